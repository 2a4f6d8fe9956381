// Package bounced makes return paths and asks the suppression list of bounced, with the standard library alone.
//
// Redis is any function that sends one command: with go-redis,
//
//	func(command ...any) (any, error) { return client.Do(ctx, command...).Result() }
package bounced

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	alphabet        = "abcdefghijklmnopqrstuvwxyz234567"
	dayS            = 86400
	tokenDays       = 60
	unsubscribeDays = 400
	batch           = 1000
)

var (
	encoding   = base32.NewEncoding(alphabet).WithPadding(base32.NoPadding)
	optIns     = map[string]int{"": 0, "unknown": 0, "single": 1, "confirmed": 2, "imported": 3}
	engagement = map[string]int{"": 0, "unknown": 0, "active": 1, "inactive": 2, "first_mail": 3}
	tags       = regexp.MustCompile(`^[a-z0-9-]{0,8}$`)
	dotAtom    = regexp.MustCompile("^(?:[a-zA-Z0-9!#$%&'*+/=?^_`{|}~.-]|[^\\x00-\\x7f\\s\\p{Z}])+$")
	quoted     = regexp.MustCompile(`^"(?:[^"\\]|\\.)*"$`)
	pair       = regexp.MustCompile(`\\(.)`)
	domains    = regexp.MustCompile(`^(?:(?:[a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}|\[[a-z0-9.:-]+\])$`)
	fits       = regexp.MustCompile("^[a-z0-9#$&'*+=?^_`{}~-]+(?:\\.[a-z0-9#$&'*+=?^_`{}~-]+)*@[a-z0-9._-]+$")
	plain      = regexp.MustCompile(`^[\t\r\n\x20-\x7e]*$`)
	unspeak    = regexp.MustCompile(`[\p{Cc}\p{Zl}\p{Zp}]`)

	pages   = regexp.MustCompile(`^https://[!$-+\--;=@-~]{1,192}$`)
	senders = regexp.MustCompile(`^[A-Za-z0-9._-]{5,15}$`)

	told = map[string]bool{"delivered": true, "engaged": true, "rejected": true, "subscribed": true,
		"unsubscribed": true, "complained": true, "suppress": true, "release": true}

	// ErrBadKey is returned for a key that cannot be used.
	ErrBadKey = errors.New("not a good key: at least 16 octets, not UTF-16")

	// ErrNotAnAddress is returned for text that cannot be an address.
	ErrNotAnAddress = errors.New("not an address")

	// ErrNeedsUnicode is returned for an address that cannot be normalised without ToASCII or NFC.
	ErrNeedsUnicode = errors.New("not ASCII: needs bounced.ToASCII for its domain, bounced.NFC for its local part")

	// ToASCII makes A-labels of a domain that is not ASCII.  With golang.org/x/net/idna:
	// idna.New(idna.MapForLookup(), idna.Transitional(false), idna.StrictDomainName(false)).ToASCII
	ToASCII func(domain string) (string, error)

	// NFC composes letters.  With golang.org/x/text/unicode/norm: norm.NFC.String
	NFC func(text string) string
)

// Redis sends one command.
type Redis func(command ...any) (any, error)

// List is one suppression list and the key that signs for it.  Prefix is mostly "b-", KeyPrefix "bounced".
//
// TokenDays is the list's token_days; 0 means 60.  UnsubscribeURL, Feedback (empty means "fbl") and
// SenderID are for HeadersFor.
type List struct {
	Name, BounceDomain, KeyID, Prefix, KeyPrefix string
	Secret                                       []byte
	TokenDays                                    int
	UnsubscribeURL, Feedback, SenderID           string
}

// Mail is what the sender knows about one message.  OptIn and Engagement are words of docs/return-path.md.
type Mail struct {
	Recipient, Tag, OptIn, Engagement string
	Date                              time.Time
}

// KeyFromFile returns the key in a file, for Secret.  The error names the file.
func KeyFromFile(file string) ([]byte, error) {
	octets, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	key, err := KeyOf(octets)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return key, nil
}

// KeyOf returns the secret in the content of a key's file or variable, without what editors add around it.
func KeyOf(octets []byte) ([]byte, error) {
	text := bytes.TrimPrefix(octets, []byte("\xef\xbb\xbf"))
	key := bytes.TrimRight(octets, "\r\n")
	if len(text) < len(octets) || plain.Match(octets) {
		key = bytes.Trim(text, " \t\r\n")
	}
	isUTF16 := bytes.HasPrefix(octets, []byte("\xff\xfe")) || bytes.HasPrefix(octets, []byte("\xfe\xff"))
	if isUTF16 || len(key) < 16 || len(bytes.Trim(key, "\x00")) == 0 {
		return nil, ErrBadKey
	}
	return key, nil
}

// ReturnPathFor returns the envelope sender for one message.  If the recipient does not fit into it, a token is
// registered.
func (l List) ReturnPathFor(redis Redis, mail Mail) (string, error) {
	signed, err := l.Signed(mail)
	if signed != "" || err != nil {
		return signed, err
	}
	return l.RegisterToken(redis, mail)
}

// UnsubscribePathFor returns the address to which a recipient writes to be unsubscribed; it is good for 400 days.
func (l List) UnsubscribePathFor(redis Redis, mail Mail) (string, error) {
	signed, err := l.SignedUnsubscribe(mail)
	if signed != "" || err != nil {
		return signed, err
	}
	return l.register(redis, mail, true)
}

// HeadersFor returns the header fields by which a recipient unsubscribes and its provider tells of complaints.
//
// DKIM has to sign them.
func (l List) HeadersFor(redis Redis, mail Mail) (map[string]string, error) {
	sender, feedback := l.SenderID, l.Feedback
	if sender == "" {
		sum := sha256.Sum256([]byte(l.BounceDomain))
		sender = hex.EncodeToString(sum[:])[:12]
	}
	if feedback == "" {
		feedback = "fbl"
	}
	if !senders.MatchString(sender) || (l.UnsubscribeURL != "" && !pages.MatchString(l.UnsubscribeURL)) {
		return nil, fmt.Errorf("not a sender or a page: %q, %q", sender, l.UnsubscribeURL)
	}
	path, err := l.UnsubscribePathFor(redis, mail)
	if err != nil {
		return nil, err
	}
	at := strings.LastIndex(path, "@")
	encoded, domain := url.QueryEscape(path[:at]), path[at+1:]
	fields := map[string]string{
		"List-Unsubscribe": fmt.Sprintf("<mailto:%s@%s?subject=unsubscribe>", encoded, domain),
		"Feedback-ID":      fmt.Sprintf("%s:%s::%s", mail.Tag, l.Name, sender),
		"CFBL-Address":     fmt.Sprintf("%s@%s; report=arf", feedback, domain),
		"CFBL-Feedback-ID": strings.ReplaceAll(url.QueryEscape(path), ".", "%2E"),
	}
	if l.UnsubscribeURL != "" {
		page := strings.TrimRight(l.UnsubscribeURL, "/")
		fields["List-Unsubscribe"] = fmt.Sprintf("<%s/u/%s>, %s", page, encoded, fields["List-Unsubscribe"])
		fields["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
	}
	return fields, nil
}

// IsSuppressed tells whether an address must not be mailed now.
func (l List) IsSuppressed(redis Redis, address string) (bool, error) {
	normalised, err := Normalise(address)
	if err != nil {
		return false, err
	}
	answer, err := redis("SISMEMBER", l.key("suppressed"), normalised)
	return fmt.Sprint(answer) == "1", err
}

// SuppressedAmong returns, of many addresses, those that must not be mailed now, as given.
//
// What is no address is among them, because nobody can ask about it.  Without ToASCII or NFC, an address that needs
// them is an error.
func (l List) SuppressedAmong(redis Redis, addresses []string) ([]string, error) {
	var suppressed, asked []string
	command := []any{"SMISMEMBER", l.key("suppressed")}
	for place, address := range addresses {
		normalised, err := Normalise(address)
		switch {
		case err == nil:
			asked, command = append(asked, address), append(command, normalised)
		case errors.Is(err, ErrNeedsUnicode):
			return nil, err
		default:
			suppressed = append(suppressed, address)
		}
		if len(asked) < batch && place < len(addresses)-1 || len(asked) == 0 {
			continue
		}
		answer, err := redis(command...)
		if err != nil {
			return nil, err
		}
		answers, _ := answer.([]any)
		if len(answers) != len(asked) {
			return nil, fmt.Errorf("not an answer to SMISMEMBER: %v", answer)
		}
		for number, each := range answers {
			if fmt.Sprint(each) == "1" {
				suppressed = append(suppressed, asked[number])
			}
		}
		asked, command = nil, command[:2]
	}
	return suppressed, nil
}

// Report tells what you know: delivered, engaged, rejected (with reply, mta, stage), subscribed, unsubscribed,
// complained.  More are names and values, one after the other.
func (l List) Report(redis Redis, kind, address string, more ...string) error {
	normalised, err := Normalise(address)
	if err != nil {
		return err
	}
	fields := map[string]string{}
	for place := 1; place < len(more); place += 2 {
		fields[more[place-1]] = more[place]
	}
	if !told[kind] || len(more)%2 == 1 || (kind == "rejected" && fields["reply"] == "") {
		return fmt.Errorf("not what can be told, or rejected without its reply: %q, %q", kind, more)
	}
	return l.tell(redis, append([]string{"type", kind, "address", normalised}, more...))
}

// ReportSent tells how many messages of a campaign were sent, if you like to one recipient domain.  Rates need this.
func (l List) ReportSent(redis Redis, count int, campaign, domain string) error {
	if count < 1 {
		return fmt.Errorf("not a count: %d", count)
	}
	return l.tell(redis, []string{"type", "sent", "count", fmt.Sprint(count), "campaign", campaign, "domain", domain})
}

func (l List) tell(redis Redis, fields []string) error {
	command := []any{"XADD", l.key("intake"), "*", "at", fmt.Sprint(time.Now().Unix())}
	for place := 1; place < len(fields); place += 2 {
		if fields[place] != "" {
			command = append(command, fields[place-1], fields[place])
		}
	}
	_, err := redis(command...)
	return err
}

// Signed returns the signed return path, or "" if a token is needed.
func (l List) Signed(mail Mail) (string, error) {
	return l.sign(l.Prefix, nil, mail)
}

// SignedUnsubscribe returns the signed unsubscribe path, or "" if a token is needed.
func (l List) SignedUnsubscribe(mail Mail) (string, error) {
	return l.sign("u-", []string{"unsubscribe"}, mail)
}

func (l List) sign(prefix string, form []string, mail Mail) (string, error) {
	recipient, err := Normalise(mail.Recipient)
	if err != nil {
		return "", err
	}
	secret, err := KeyOf(l.Secret)
	if err != nil {
		return "", err
	}
	if !tags.MatchString(mail.Tag) {
		return "", fmt.Errorf("not a tag: %q", mail.Tag)
	}
	if !fits.MatchString(recipient) {
		return "", nil
	}
	optIn, known := optIns[mail.OptIn]
	engaged, knownToo := engagement[mail.Engagement]
	if !known || !knownToo {
		return "", fmt.Errorf("not a profile: %q, %q", mail.OptIn, mail.Engagement)
	}
	number := mail.Date.UTC().Unix() / 86400
	day := string([]byte{alphabet[number>>10&31], alphabet[number>>5&31], alphabet[number&31]})
	profile := optIn<<3 | engaged<<1
	covered := append(form, l.Name, l.KeyID, day, alphabet[profile:profile+1], mail.Tag, recipient)
	mac := encoding.EncodeToString(sign(secret, strings.Join(covered, "\x00")))[:13]
	masked := alphabet[byte(profile)^sign(secret, "profile\x00"+mac)[0]>>3]
	rest := strings.Replace(recipient, "@", "=", 1)
	localPart := fmt.Sprintf("%s%s%s%c%s=%s=%s", prefix, l.KeyID, day, masked, mac, mail.Tag, rest)
	if len(localPart) > 64 {
		return "", nil
	}
	return localPart + "@" + l.BounceDomain, nil
}

// TokenPath returns the return path of a token.
func (l List) TokenPath(token string) string {
	return l.Prefix + "t" + token + "@" + l.BounceDomain
}

// UnsubscribeTokenPath returns the unsubscribe path of a token that was registered for one.
func (l List) UnsubscribeTokenPath(token string) string {
	return "u-t" + token + "@" + l.BounceDomain
}

// RegisterToken stores the recipient for whom a new token stands, and returns its return path.
func (l List) RegisterToken(redis Redis, mail Mail) (string, error) {
	return l.register(redis, mail, false)
}

func (l List) register(redis Redis, mail Mail, unsubscribes bool) (string, error) {
	recipient, err := Normalise(mail.Recipient)
	if err != nil {
		return "", err
	}
	random := make([]byte, 17)
	if _, err := rand.Read(random); err != nil {
		return "", err
	}
	token := NewToken(random)
	key := l.key("token:" + token)
	issued := mail.Date.UTC().Format("2006-01-02")
	fields := []any{"HSET", key, "recipient", recipient, "issued", issued, "campaign", mail.Tag}
	if mail.OptIn != "" && mail.Engagement != "" {
		fields = append(fields, "profile", mail.OptIn+" "+mail.Engagement)
	}
	path, days := l.TokenPath(token), l.TokenDays
	if days == 0 {
		days = tokenDays
	}
	if unsubscribes {
		fields = append(fields, "purpose", "unsubscribe")
		path, days = l.UnsubscribeTokenPath(token), unsubscribeDays
	}
	if _, err := redis(fields...); err != nil {
		return "", err
	}
	_, err = redis("EXPIRE", key, fmt.Sprint(days*dayS))
	return path, err
}

// NewToken returns the token of 17 random octets.
func NewToken(random []byte) string {
	return encoding.EncodeToString(random)[:26]
}

// Normalise returns an address as it is signed and stored.
//
// A domain that is not ASCII needs ToASCII, a local part that may not be composed needs NFC.  Without them you would
// ask about another address than the one that you mail.
func Normalise(address string) (string, error) {
	if NFC != nil {
		address = NFC(address)
	}
	at := strings.LastIndex(address, "@")
	if at < 0 || unspeak.MatchString(address) || !utf8.ValidString(address) {
		return "", ErrNotAnAddress
	}
	local, domain := address[:at], address[at+1:]
	if NFC == nil && strings.IndexFunc(local, mayCompose) >= 0 {
		return "", fmt.Errorf("%w: %q", ErrNeedsUnicode, address)
	}
	if strings.IndexFunc(domain, notASCII) >= 0 {
		if ToASCII == nil {
			return "", fmt.Errorf("%w: %q", ErrNeedsUnicode, address)
		}
		mapped, err := ToASCII(domain)
		if err != nil {
			return "", ErrNotAnAddress
		}
		domain = mapped
	}
	domain = strings.TrimSuffix(strings.ToLower(domain), ".")
	if !domains.MatchString(domain) {
		return "", ErrNotAnAddress
	}
	if !dotAtom.MatchString(local) {
		if !quoted.MatchString(local) {
			return "", ErrNotAnAddress
		}
		local = pair.ReplaceAllString(local[1:len(local)-1], "$1")
		if !dotAtom.MatchString(local) {
			local = `"` + strings.NewReplacer(`"`, `\"`, `\`, `\\`).Replace(local) + `"`
		}
	}
	return strings.Map(lower, local) + "@" + domain, nil
}

func notASCII(letter rune) bool {
	return letter > unicode.MaxASCII
}

// mayCompose tells letters that NFC may change: none is below the first combining one.
func mayCompose(letter rune) bool {
	return letter >= 0x300
}

func lower(letter rune) rune {
	if letter >= 'A' && letter <= 'Z' {
		return letter + 'a' - 'A'
	}
	return letter
}

func (l List) key(name string) string {
	return l.KeyPrefix + ":{" + l.Name + "}:" + name
}

func sign(secret []byte, text string) []byte {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(text))
	return mac.Sum(nil)
}
