<?php
// Prints what the PHP recipe makes of the test vectors, for test_recipes.py to compare.

[, $recipe, $file, $keys] = $argv;
require $recipe;
$vectors = json_decode(file_get_contents($file), true);

function listOf(array $v): Bounced
{
    return new Bounced($v['bounce_domain'], $v['key_id'], $v['secret'], $v['list'], $v['prefix']);
}

function signedWith(array $v, string $secret): ?string
{
    try {
        return listOf(['secret' => $secret] + $v)->signed('alice@example.org', date: $v['date']);
    } catch (InvalidArgumentException) {
        return null;
    }
}

function complaint(string $file): string
{
    try {
        return Bounced::keyFromFile($file);
    } catch (InvalidArgumentException $error) {
        return $error->getMessage();
    }
}

function normalisedOrNull(string $address): ?string
{
    try {
        return Bounced::normalise($address);
    } catch (InvalidArgumentException) {
        return null;
    }
}

$first = listOf($vectors['signed'][0]);
$commands = [];
$redis = function (string ...$command) use (&$commands) {
    $commands[] = $command;
    return 1;
};
$first->isSuppressed($redis, 'Alice@Example.org');
$first->report($redis, 'rejected', 'Alice@Example.org', ['reply' => '550 5.1.1 no']);
$made = $first->returnPathFor($redis, 'a!b@example.org', 'nov', 'confirmed', 'active', '2026-11-21');
$first->headersFor($redis, 'a!b@example.org', tag: 'nov', date: '2026-11-21');

$bulk = [];
$many = function (string ...$command) use (&$bulk) {
    array_push($bulk, array_slice($command, 0, 2), count($command) - 2);
    return array_map(fn ($address) => (int) str_starts_with($address, 'gone'), array_slice($command, 2));
};
$addresses = array_map(fn ($i) => ($i % 5 ? 'User' : 'Gone') . "$i@Example.org", range(0, 2499));
$among = $first->suppressedAmong($many, [...$addresses, 'nonsense']);
$mapped = fn (string ...$command) => array_map(fn ($a) => (int) ($a === 'gone@xn--bcher-kva.example'), array_slice($command, 2));
$abroad = $first->suppressedAmong($mapped, ['gone@bücher.example', 'user@bücher.example']);
$sent = [];
$tell = function (string ...$command) use (&$sent) {
    $sent[] = $command;
    return '1-1';
};
$first->reportSent($tell, 250, campaign: 'nov', domain: 'example.org');
$first->reportSent($tell, 1);
$first->report($tell, 'rejected', 'alice@example.org', ['reply' => '550 no', 'mta' => 'mx.example.org', 'stage' => 'rcpt']);

function refused(callable $make): bool
{
    try {
        $make();
        return false;
    } catch (InvalidArgumentException) {
        return true;
    }
}

$refused = array_map('refused', [
    fn () => $first->report($tell, 'opened', 'alice@example.org'),
    fn () => $first->report($tell, 'rejected', 'alice@example.org'),
    fn () => $first->report($tell, 'engaged', 'alice'),
    fn () => $first->reportSent($tell, 0),
]);

function headersOf(array $v, array $list): array
{
    $settings = ['unsubscribeUrl' => $v['unsubscribe_url'], 'feedback' => $v['feedback'], 'senderId' => $v['sender_id']];
    $made = new Bounced($list['bounce_domain'], $list['key_id'], $list['secret'], ...$settings);
    return $made->headersFor(fn () => null, $v['recipient'], $v['tag'], $v['opt_in'], $v['engagement'], $v['date']);
}

function badPage(array $v): ?string
{
    $page = "https://example.com/\r\nBcc: eve@example.net";
    try {
        new Bounced($v['bounce_domain'], $v['key_id'], $v['secret'], unsubscribeUrl: $page);
        return $page;
    } catch (InvalidArgumentException) {
        return null;
    }
}

echo json_encode([
    'normalised' => array_map(fn ($v) => normalisedOrNull($v['input']), $vectors['normalisation']),
    'signed' => array_map(
        fn ($v) => listOf($v)->signed($v['recipient'], $v['tag'], $v['opt_in'], $v['engagement'], $v['date']),
        $vectors['signed'],
    ),
    'unsubscribe' => array_map(
        fn ($v) => listOf($v)->signedUnsubscribe($v['recipient'], $v['tag'], $v['opt_in'], $v['engagement'], $v['date']),
        $vectors['unsubscribe'],
    ),
    'unsubscribe_tokens' => array_map(
        fn ($v) => $first->tokenPath(Bounced::newToken(hex2bin($v['random_hex'])), true),
        $vectors['tokens'],
    ),
    'headers' => array_map(fn ($v) => headersOf($v, $vectors['signed'][0]), $vectors['headers']),
    'bad_page' => badPage($vectors['signed'][0]),
    'needs_token' => array_map(fn ($v) => $first->signed($v['recipient']) === null, $vectors['needs_token']),
    'tokens' => array_map(fn ($v) => $first->tokenPath(Bounced::newToken(hex2bin($v['random_hex']))), $vectors['tokens']),
    'commands' => $commands,
    'among' => $among,
    'abroad' => $abroad,
    'bulk' => $bulk,
    'sent' => $sent,
    'refused' => $refused,
    'made' => $made,
    'keys' => array_map(fn ($v) => signedWith($vectors['signed'][0], hex2bin($v['file_hex'])), $vectors['keys']),
    'good_file' => signedWith($vectors['signed'][0], Bounced::keyFromFile("$keys/good.key")),
    'bad_files' => array_map(fn ($name) => complaint("$keys/$name"), ['short.key', 'missing.key']),
]);
