<?php
// Return paths and the suppression list of bounced, from PHP 8.1 or later.  Non-ASCII addresses need ext-intl.
// $redis is anything that sends one command: with ext-redis, fn(...$command) => $redis->rawCommand(...$command).

declare(strict_types=1);

final class Bounced
{
    private const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';
    private const OPT_IN = ['unknown', 'single', 'confirmed', 'imported'];
    private const ENGAGEMENT = ['unknown', 'active', 'inactive', 'first_mail'];
    private const DOT_ATOM = '/^(?:[a-zA-Z0-9!#$%&\'*+\/=?^_`{|}~.-]|[^\x00-\x7f\s])+$/Du';
    private const DOMAIN = '/^(?:(?:[a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}|\[[a-z0-9.:-]+\])$/D';
    private const FITS = '/^[a-z0-9#$&\'*+=?^_`{}~-]+(?:\.[a-z0-9#$&\'*+=?^_`{}~-]+)*@[a-z0-9._-]+$/D';

    private const PAGE = '~^https://[!$-+\--;=@-\x7d]+$~D';
    private const UNSUBSCRIBE_DAYS = 400;
    private const BATCH = 1000;
    private const TOLD = ['delivered', 'engaged', 'rejected', 'subscribed', 'unsubscribed', 'complained', 'suppress', 'release'];

    /** $tokenDays is the list's token_days; $unsubscribeUrl, $feedback and $senderId are for headersFor. */
    public function __construct(
        private string $bounceDomain,
        private string $keyId,
        private string $secret,
        private string $list = 'main',
        private string $prefix = 'b-',
        private string $keyPrefix = 'bounced',
        private int $tokenDays = 60,
        private string $unsubscribeUrl = '',
        private string $feedback = 'fbl',
        private string $senderId = '',
    ) {
        $this->secret = self::keyOf($secret);
        $this->senderId = $senderId !== '' ? $senderId : substr(hash('sha256', $bounceDomain), 0, 12);
        if (!preg_match('/^[A-Za-z0-9._-]{5,15}$/D', $this->senderId)) {
            throw new InvalidArgumentException('senderId has 5 to 15 of A-Z, a-z, 0-9, dot, _ and -');
        }
        if ($unsubscribeUrl !== '' && (!preg_match(self::PAGE, $unsubscribeUrl) || strlen($unsubscribeUrl) > 200)) {
            throw new InvalidArgumentException('not a page');
        }
    }

    /** The key in a file, for $secret.  Throws an exception that names the file. */
    public static function keyFromFile(string $file): string
    {
        $octets = @file_get_contents($file);
        try {
            return self::keyOf($octets === false ? throw new InvalidArgumentException('cannot be read') : $octets);
        } catch (InvalidArgumentException $error) {
            throw new InvalidArgumentException("$file: {$error->getMessage()}");
        }
    }

    /** The envelope sender for one message.  If the recipient does not fit into it, a token is registered. */
    public function returnPathFor(callable $redis, string $address, string ...$mail): string
    {
        return $this->signed($address, ...$mail) ?? $this->registerToken($redis, $address, ...$mail);
    }

    /** The address to which a recipient writes to be unsubscribed; good for 400 days. */
    public function unsubscribePathFor(callable $redis, string $address, string ...$mail): string
    {
        return $this->signedUnsubscribe($address, ...$mail) ?? $this->registerToken($redis, $address, ...$mail, unsubscribes: true);
    }

    /** The header fields by which a recipient unsubscribes and its provider tells of complaints.  DKIM must sign them. */
    public function headersFor(callable $redis, string $address, string ...$mail): array
    {
        $path = $this->unsubscribePathFor($redis, $address, ...$mail);
        [$local, $domain] = explode('@', $path);
        $mailto = '<mailto:' . rawurlencode($local) . "@$domain?subject=unsubscribe>";
        $page = '<' . rtrim($this->unsubscribeUrl, '/') . '/u/' . rawurlencode($local) . '>';
        $byPage = $this->unsubscribeUrl !== '';
        return [
            'List-Unsubscribe' => $byPage ? "$page, $mailto" : $mailto,
            ...($byPage ? ['List-Unsubscribe-Post' => 'List-Unsubscribe=One-Click'] : []),
            'Feedback-ID' => ($mail['tag'] ?? $mail[0] ?? '') . ":$this->list::$this->senderId",
            'CFBL-Address' => "$this->feedback@$domain; report=arf",
            'CFBL-Feedback-ID' => str_replace('.', '%2E', rawurlencode($path)),
        ];
    }

    public function isSuppressed(callable $redis, string $address): bool
    {
        return (int) $redis('SISMEMBER', $this->key('suppressed'), self::normalise($address)) === 1;
    }

    /** Of many addresses, those that must not be mailed now, as given.  What is no address is among them. */
    public function suppressedAmong(callable $redis, array $addresses): array
    {
        $suppressed = [];
        foreach (array_chunk($addresses, self::BATCH) as $batch) {
            $asked = [];
            foreach ($batch as $address) {
                try {
                    $asked[$address] = self::normalise($address);
                } catch (InvalidArgumentException) {
                    $suppressed[] = (string) $address;
                }
            }
            $answers = $asked ? $redis('SMISMEMBER', $this->key('suppressed'), ...array_values($asked)) : [];
            foreach (array_keys($asked) as $place => $address) {
                if ((int) $answers[$place] === 1) {
                    $suppressed[] = (string) $address;
                }
            }
        }
        return $suppressed;
    }

    /** Tell what you know: delivered, engaged, rejected (with reply, mta, stage), subscribed, unsubscribed, complained. */
    public function report(callable $redis, string $type, string $address, array $more = []): string
    {
        if (!in_array($type, self::TOLD, true)) {
            throw new InvalidArgumentException('not one of ' . implode(', ', self::TOLD) . ": $type");
        }
        if ($type === 'rejected' && ($more['reply'] ?? '') === '') {
            throw new InvalidArgumentException('rejected needs the reply, such as 550 5.1.1 no such user');
        }
        return $this->tell($redis, ['type' => $type, 'address' => self::normalise($address)] + $more);
    }

    /** Tell how many messages of a campaign were sent, if you like to one recipient domain.  Rates need this. */
    public function reportSent(callable $redis, int $count, string $campaign = '', string $domain = ''): string
    {
        if ($count < 1) {
            throw new InvalidArgumentException("not a count: $count");
        }
        $fields = ['type' => 'sent', 'count' => (string) $count, 'campaign' => $campaign, 'domain' => $domain];
        return $this->tell($redis, $fields);
    }

    private function tell(callable $redis, array $fields): string
    {
        $flat = [];
        foreach (['at' => (string) time()] + $fields as $name => $value) {
            if ($value !== '') {
                array_push($flat, $name, $value);
            }
        }
        return (string) $redis('XADD', $this->key('intake'), '*', ...$flat);
    }

    /** The signed return path, or null if a token is needed.  $date is YYYY-MM-DD in UTC, by default today. */
    public function signed(string $address, string ...$mail): ?string
    {
        return $this->sign($this->prefix, [], $address, ...$mail);
    }

    /** The signed unsubscribe path, or null if a token is needed. */
    public function signedUnsubscribe(string $address, string ...$mail): ?string
    {
        return $this->sign('u-', ['unsubscribe'], $address, ...$mail);
    }

    private function sign(
        string $prefix,
        array $form,
        string $address,
        string $tag = '',
        string $optIn = 'unknown',
        string $engagement = 'unknown',
        ?string $date = null,
    ): ?string {
        if (!preg_match('/^[a-z0-9-]{0,8}$/D', $tag)) {
            throw new InvalidArgumentException("not a tag: $tag");
        }
        $recipient = self::normalise($address);
        if (!preg_match(self::FITS, $recipient)) {
            return null;
        }
        $day = self::base32(intdiv(strtotime(($date ?? gmdate('Y-m-d')) . ' UTC'), 86400), 3);
        $profile = self::place($optIn, self::OPT_IN) << 3 | self::place($engagement, self::ENGAGEMENT) << 1;
        $covered = implode("\0", [...$form, $this->list, $this->keyId, $day, self::BASE32[$profile], $tag, $recipient]);
        $mac = self::leading($this->hmac($covered), 13);
        $masked = self::BASE32[$profile ^ (ord($this->hmac("profile\0$mac")[0]) >> 3)];
        [$local, $domain] = explode('@', $recipient);
        $localPart = "$prefix$this->keyId$day$masked$mac=$tag=$local=$domain";
        return strlen($localPart) > 64 ? null : "$localPart@$this->bounceDomain";
    }

    public function tokenPath(string $token, bool $unsubscribes = false): string
    {
        return ($unsubscribes ? 'u-' : $this->prefix) . "t$token@$this->bounceDomain";
    }

    public function registerToken(
        callable $redis,
        string $address,
        string $tag = '',
        string $optIn = 'unknown',
        string $engagement = 'unknown',
        ?string $date = null,
        bool $unsubscribes = false,
    ): string {
        $token = self::newToken(random_bytes(17));
        $key = $this->key("token:$token");
        $fields = ['recipient', self::normalise($address), 'issued', $date ?? gmdate('Y-m-d'), 'campaign', $tag];
        $purpose = $unsubscribes ? ['purpose', 'unsubscribe'] : [];
        $redis('HSET', $key, ...$fields, ...['profile', "$optIn $engagement"], ...$purpose);
        $redis('EXPIRE', $key, (string) (($unsubscribes ? self::UNSUBSCRIBE_DAYS : $this->tokenDays) * 86400));
        return $this->tokenPath($token, $unsubscribes);
    }

    /** An address as it is signed and stored.  Throws if it is no address. */
    public static function normalise(string $address): string
    {
        $ascii = preg_match('/^[\x00-\x7f]*$/D', $address) === 1;
        $text = $ascii ? $address : (string) Normalizer::normalize($address, Normalizer::FORM_C);
        $at = strrpos($text, '@');
        if ($at === false || preg_match('/[\p{Cc}\p{Zl}\p{Zp}]/u', $text) !== 0) {
            throw new InvalidArgumentException('not an address');
        }
        $local = substr($text, 0, $at);
        if (!preg_match(self::DOT_ATOM, $local)) {
            if (!preg_match('/^"(?:[^"\\\\]|\\\\.)*"$/Du', $local)) {
                throw new InvalidArgumentException('not an address');
            }
            $content = preg_replace('/\\\\(.)/u', '$1', substr($local, 1, -1));
            $local = preg_match(self::DOT_ATOM, $content) ? $content : '"' . addcslashes($content, '"\\') . '"';
        }
        $domain = substr($text, $at + 1);
        if (preg_match('/[^\x00-\x7f]/', $domain)) {
            $flags = IDNA_NONTRANSITIONAL_TO_ASCII;
            $domain = (string) idn_to_ascii($domain, $flags, INTL_IDNA_VARIANT_UTS46);
        }
        $domain = preg_replace('/\.$/D', '', strtolower($domain));
        if (!preg_match(self::DOMAIN, $domain)) {
            throw new InvalidArgumentException('not an address');
        }
        return strtr($local, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz') . "@$domain";
    }

    public static function newToken(string $random): string
    {
        return self::leading($random, 26);
    }

    /** The secret in the content of a key's file or variable, without what editors add around it. */
    private static function keyOf(string $octets): string
    {
        $text = preg_replace('/^\xef\xbb\xbf/', '', $octets);
        $isText = $text !== $octets || preg_match('/^[\t\r\n\x20-\x7e]*$/D', $octets) === 1;
        $key = $isText ? trim($text, " \t\r\n") : rtrim($octets, "\r\n");
        if (preg_match('/^(?:\xff\xfe|\xfe\xff)/', $octets) || strlen($key) < 16 || trim($key, "\0") === '') {
            throw new InvalidArgumentException('not a good key: at least 16 octets, not UTF-16');
        }
        return $key;
    }

    private function key(string $name): string
    {
        return $this->keyPrefix . ':{' . $this->list . '}:' . $name;
    }

    private function hmac(string $text): string
    {
        return hash_hmac('sha256', $text, $this->secret, true);
    }

    private static function place(string $word, array $words): int
    {
        $place = array_search($word, $words, true);
        return $place === false ? throw new InvalidArgumentException("not one of the words: $word") : $place;
    }

    private static function base32(int $number, int $length): string
    {
        return $length ? self::base32($number >> 5, $length - 1) . self::BASE32[$number & 31] : '';
    }

    private static function leading(string $octets, int $length): string
    {
        $bits = implode('', array_map(fn ($octet) => sprintf('%08b', ord($octet)), str_split($octets)));
        return implode('', array_map(fn ($i) => self::BASE32[bindec(substr($bits, 5 * $i, 5))], range(0, $length - 1)));
    }
}
