package load

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// handshakeTime bounds how long a connection may take to be made.
const handshakeTime = 30 * time.Second

// dialer makes connections.
type dialer struct {
	protocol Protocol
	address  string // host:port
	tls      *tls.Config
	request  []byte // of the upgrade, without the key
	join     bool
	clock    func() int64
}

// newDialer reads the URL of a server, which begins with ws, wss, http or https.
func newDialer(raw string, protocol Protocol) (*dialer, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, fmt.Errorf("the URL %q cannot be read: %w", raw, err)
	}
	d := &dialer{protocol: protocol, address: u.Host, clock: monotonic()}
	port := "80"
	switch u.Scheme {
	case "ws", "http":
	case "wss", "https":
		d.tls, port = &tls.Config{ServerName: u.Hostname(), MinVersion: tls.VersionTLS12}, "443"
	default:
		return nil, fmt.Errorf("the URL %q must begin with ws:// or wss://", raw)
	}
	if u.Hostname() == "" {
		return nil, fmt.Errorf("the URL %q names no host", raw)
	}
	if u.Port() == "" {
		d.address = net.JoinHostPort(u.Hostname(), port)
	}
	d.request = fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n", u.RequestURI(), u.Host)
	if offered := protocol.Subprotocol(); offered != "" {
		d.request = fmt.Appendf(d.request, "Sec-WebSocket-Protocol: %s\r\n", offered)
	}
	return d, nil
}

// dial makes a connection: TCP, upgrade, hello and, if it is to, into the group.
func (d *dialer) dial(ctx context.Context, c *conn, g Greeting) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, handshakeTime)
	defer cancel()
	nc, err := (&net.Dialer{}).DialContext(ctx, "tcp", d.address)
	if err != nil {
		return nil, err
	}
	if d.tls != nil {
		nc = tls.Client(nc, d.tls)
	}
	// A deadline that has passed ends what waits when the context does.
	stop := context.AfterFunc(ctx, func() { _ = nc.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if err := d.handshake(nc, c, g); err != nil {
		_ = nc.Close()
		return nil, err
	}
	return nc, nil
}

func (d *dialer) handshake(nc net.Conn, c *conn, g Greeting) error {
	if err := d.upgrade(nc, c); err != nil {
		return err
	}
	if hello := d.protocol.Hello(nil, g); len(hello) > 0 {
		c.send(hello)
		if err := d.await(nc, c, helloID); err != nil {
			return fmt.Errorf("hello: %w", err)
		}
	}
	if !d.join {
		return nil
	}
	const joinID = helloID + 1
	c.send(d.protocol.Say(nil, Join, joinID))
	if err := d.await(nc, c, joinID); err != nil {
		return fmt.Errorf("join: %w", err)
	}
	return nil
}

// upgrade makes a WebSocket of a TCP connection.
func (d *dialer) upgrade(nc net.Conn, c *conn) error {
	var nonce [16]byte
	_, _ = rand.Read(nonce[:]) // never fails, says its documentation
	request := slices.Concat(d.request, []byte("Sec-WebSocket-Key: "))
	request = append(base64.StdEncoding.AppendEncode(request, nonce[:]), "\r\n\r\n"...)
	if _, err := nc.Write(request); err != nil {
		return fmt.Errorf("upgrade: %w", err)
	}
	var head [4096]byte
	for n := 0; n < len(head); {
		k, err := nc.Read(head[n:])
		if err != nil {
			return fmt.Errorf("upgrade: %w", err)
		}
		n += k
		end := bytes.Index(head[:n], []byte("\r\n\r\n"))
		if end < 0 {
			continue
		}
		if err := d.accepted(head[:n]); err != nil {
			return err
		}
		return c.feed(head[end+4 : n])
	}
	return errors.New("upgrade: the answer has too long a header")
}

// accepted checks the answer to an upgrade, of which the beginning was read.
func (d *dialer) accepted(head []byte) error {
	response, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(head)), nil)
	if err != nil {
		return fmt.Errorf("upgrade: the answer is no HTTP: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusSwitchingProtocols {
		text, _ := io.ReadAll(io.LimitReader(response.Body, 200)) // as far as it has come
		return fmt.Errorf("upgrade: refused with %s: %s", response.Status, strings.TrimSpace(string(text)))
	}
	if got := response.Header.Get("Sec-WebSocket-Protocol"); got != d.protocol.Subprotocol() {
		return fmt.Errorf("upgrade: the server speaks %q, not %q", got, d.protocol.Subprotocol())
	}
	return nil
}

// await sends what is to be sent and reads until the ack of an id has come.
func (d *dialer) await(nc net.Conn, c *conn, id uint64) error {
	if c.protocol.Ordered() {
		id = 0
		delete(c.setup.acks, 0)
	}
	if _, err := nc.Write(c.out); err != nil {
		return err
	}
	c.out = c.out[:0]
	var buffer [4096]byte
	for {
		if code, ok := c.setup.acks[id]; ok {
			if code != "" {
				return errors.New(code)
			}
			return nil
		}
		n, err := nc.Read(buffer[:])
		if err == nil {
			err = c.feed(buffer[:n])
		}
		if err != nil {
			return err
		}
	}
}
