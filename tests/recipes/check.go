// Prints what the Go recipe makes of the test vectors, for test_recipes.py to compare.
package main

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"check/bounced"
)

type vector struct {
	Input, Recipient, List, Secret, Prefix, Tag, Date, Engagement string
	BounceDomain                                                  string `json:"bounce_domain"`
	KeyID                                                         string `json:"key_id"`
	OptIn                                                         string `json:"opt_in"`
	RandomHex                                                     string `json:"random_hex"`
	FileHex                                                       string `json:"file_hex"`
	UnsubscribeURL                                                string `json:"unsubscribe_url"`
	Feedback                                                      string
	SenderID                                                      string `json:"sender_id"`
}

func listOf(v vector) bounced.List {
	return bounced.List{Name: v.List, BounceDomain: v.BounceDomain, KeyID: v.KeyID, Prefix: v.Prefix,
		KeyPrefix: "bounced", Secret: []byte(v.Secret)}
}

func mailOf(v vector) bounced.Mail {
	date, _ := time.Parse("2006-01-02", v.Date)
	return bounced.Mail{Recipient: v.Recipient, Tag: v.Tag, OptIn: v.OptIn, Engagement: v.Engagement, Date: date}
}

func main() {
	content, err := os.ReadFile(os.Args[1])
	if err != nil {
		panic(err)
	}
	var vectors struct {
		Normalisation, Signed, Unsubscribe, Headers, Tokens, Keys []vector
		NeedsToken                                                []vector `json:"needs_token"`
	}
	if err := json.Unmarshal(content, &vectors); err != nil {
		panic(err)
	}
	said := struct {
		Normalised []any    `json:"normalised"`
		Signed     []string `json:"signed"`
		NeedsToken []bool   `json:"needs_token"`
		Tokens     []string `json:"tokens"`
		Commands   [][]any  `json:"commands"`
		Among      []string `json:"among"`
		Abroad     any      `json:"abroad"`
		Libraries  []string `json:"with_libraries"`
		Bulk       []any    `json:"bulk"`
		Sent       [][]any  `json:"sent"`
		Refused    []bool   `json:"refused"`
		Made       string   `json:"made"`
		Keys       []any    `json:"keys"`
		GoodFile   string   `json:"good_file"`
		BadFiles   []string `json:"bad_files"`

		Unsubscribe       []string            `json:"unsubscribe"`
		UnsubscribeTokens []string            `json:"unsubscribe_tokens"`
		Headers           []map[string]string `json:"headers"`
		BadPage           map[string]string   `json:"bad_page"`
	}{}
	for _, v := range vectors.Normalisation {
		if normalised, err := bounced.Normalise(v.Input); err == nil {
			said.Normalised = append(said.Normalised, normalised)
		} else {
			said.Normalised = append(said.Normalised, nil)
		}
	}
	for _, v := range vectors.Signed {
		signed, _ := listOf(v).Signed(mailOf(v))
		said.Signed = append(said.Signed, signed)
	}
	first := listOf(vectors.Signed[0])
	for _, v := range vectors.NeedsToken {
		signed, err := first.Signed(bounced.Mail{Recipient: v.Recipient, Date: time.Now()})
		said.NeedsToken = append(said.NeedsToken, signed == "" && err == nil)
	}
	for _, v := range vectors.Tokens {
		random, _ := hex.DecodeString(v.RandomHex)
		said.Tokens = append(said.Tokens, first.TokenPath(bounced.NewToken(random)))
		said.UnsubscribeTokens = append(said.UnsubscribeTokens, first.UnsubscribeTokenPath(bounced.NewToken(random)))
	}
	for _, v := range vectors.Unsubscribe {
		signed, _ := listOf(v).SignedUnsubscribe(mailOf(v))
		said.Unsubscribe = append(said.Unsubscribe, signed)
	}
	for _, v := range vectors.Headers {
		list := first
		list.UnsubscribeURL, list.Feedback, list.SenderID = v.UnsubscribeURL, v.Feedback, v.SenderID
		headers, _ := list.HeadersFor(nil, mailOf(v))
		said.Headers = append(said.Headers, headers)
	}
	broken := first
	broken.UnsubscribeURL = "https://example.com/\r\nBcc: eve@example.net"
	said.BadPage, _ = broken.HeadersFor(nil, mailOf(vectors.Headers[0]))
	redis := func(command ...any) (any, error) {
		said.Commands = append(said.Commands, command)
		return 1, nil
	}
	first.IsSuppressed(redis, "Alice@Example.org")
	first.Report(redis, "rejected", "Alice@Example.org", "reply", "550 5.1.1 no")
	mail := mailOf(vector{Recipient: "a!b@example.org", Tag: "nov", OptIn: "confirmed", Engagement: "active", Date: "2026-11-21"})
	said.Made, _ = first.ReturnPathFor(redis, mail)
	first.HeadersFor(redis, mail)
	many := func(command ...any) (any, error) {
		said.Bulk = append(said.Bulk, command[:2], len(command)-2)
		var answers []any
		for _, address := range command[2:] {
			answer := int64(0)
			if strings.HasPrefix(fmt.Sprint(address), "gone") {
				answer = 1
			}
			answers = append(answers, answer)
		}
		return answers, nil
	}
	var addresses []string
	for i := 0; i < 2500; i++ {
		name := "User"
		if i%5 == 0 {
			name = "Gone"
		}
		addresses = append(addresses, fmt.Sprintf("%s%d@Example.org", name, i))
	}
	said.Among, _ = first.SuppressedAmong(many, append(addresses, "nonsense"))
	mapped := func(command ...any) (any, error) {
		var answers []any
		for _, address := range command[2:] {
			found := address == "gone@xn--bcher-kva.example" || address == "jos\u00e9@example.org"
			answers = append(answers, map[bool]int64{true: 1}[found])
		}
		return answers, nil
	}
	abroad := []string{"gone@b\u00fccher.example", "user@b\u00fccher.example", "user@\u212aelvin.example"}
	said.Abroad = "error"
	for _, address := range append(abroad, "jose\u0301@example.org") {
		if found, err := first.SuppressedAmong(mapped, []string{address}); !errors.Is(err, bounced.ErrNeedsUnicode) {
			said.Abroad = found
		}
	}
	bounced.NFC = func(text string) string { return strings.ReplaceAll(text, "e\u0301", "\u00e9") }
	bounced.ToASCII = func(domain string) (string, error) {
		if domain != "b\u00fccher.example" {
			return "", errors.New("not a domain")
		}
		return "xn--bcher-kva.example", nil
	}
	said.Libraries, _ = first.SuppressedAmong(mapped, append(abroad, "jose\u0301@example.org"))
	tell := func(command ...any) (any, error) {
		said.Sent = append(said.Sent, command)
		return "1-1", nil
	}
	first.ReportSent(tell, 250, "nov", "example.org")
	first.ReportSent(tell, 1, "", "")
	first.Report(tell, "rejected", "alice@example.org", "reply", "550 no", "mta", "mx.example.org", "stage", "rcpt")
	for _, err := range []error{
		first.Report(tell, "opened", "alice@example.org"),
		first.Report(tell, "rejected", "alice@example.org"),
		first.Report(tell, "engaged", "alice"),
		first.ReportSent(tell, 0, "", ""),
	} {
		said.Refused = append(said.Refused, err != nil)
	}
	signedWith := func(secret []byte) (string, error) {
		list := first
		list.Secret = secret
		return list.Signed(mailOf(vector{Recipient: "alice@example.org", Date: vectors.Signed[0].Date}))
	}
	for _, v := range vectors.Keys {
		secret, _ := hex.DecodeString(v.FileHex)
		if signed, err := signedWith(secret); err == nil {
			said.Keys = append(said.Keys, signed)
		} else {
			said.Keys = append(said.Keys, nil)
		}
	}
	good, _ := bounced.KeyFromFile(os.Args[2] + "/good.key")
	said.GoodFile, _ = signedWith(good)
	for _, name := range []string{"short.key", "missing.key"} {
		_, err := bounced.KeyFromFile(os.Args[2] + "/" + name)
		said.BadFiles = append(said.BadFiles, err.Error())
	}
	json.NewEncoder(os.Stdout).Encode(said)
}
