// Stands around the example for Go in docs/client.md: go-redis, and a mail to send.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/smtp"
	"os"
	"strconv"
	"strings"
	"time"

	"check/bounced"
)

type connection struct {
	net.Conn
	reader *bufio.Reader
}

type reply struct{ value any }

func (r reply) Result() (any, error) { return r.value, nil }

func (c connection) Do(_ context.Context, words ...any) reply {
	fmt.Fprintf(c, "*%d\r\n", len(words))
	for _, word := range words {
		fmt.Fprintf(c, "$%d\r\n%v\r\n", len(fmt.Sprint(word)), word)
	}
	return reply{c.read()}
}

func (c connection) read() any {
	line, err := c.reader.ReadString('\n')
	if err != nil {
		panic(err)
	}
	said := strings.TrimSpace(line[1:])
	number, _ := strconv.Atoi(said)
	switch line[0] {
	case '*':
		items := make([]any, number)
		for place := range items {
			items[place] = c.read()
		}
		return items
	case '$':
		octets := make([]byte, number+2)
		io.ReadFull(c.reader, octets)
		return string(octets[:number])
	case ':':
		return int64(number)
	}
	return said
}

func main() {
	socket, err := net.Dial("unix", os.Getenv("REDIS_SOCKET"))
	if err != nil {
		panic(err)
	}
	client, ctx := connection{socket, bufio.NewReader(socket)}, context.Background()
	to, relay, message := os.Getenv("RECIPIENT"), os.Getenv("RELAY"), "Subject: November\r\n\r\nHello!\r\n"
	recipients := []string{"alice@example.org", "bob@example.net"}

	// EXAMPLE

	if err != nil {
		panic(err)
	}
	json.NewEncoder(os.Stdout).Encode(map[string]any{"left": len(left)})
}
