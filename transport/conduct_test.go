package transport_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/protoway/protoway/consumer"
)

// conduct is what a server has to do about what a client sends.
type conduct struct {
	name string
	text bool
	send []byte
	want []frame
	// refused is the code with which the server ends the connection; 0 if it lives.
	refused consumer.CloseCode
	// told is what the consumer is told when the last of want answers a close frame.
	told consumer.CloseCode
	// atOnce: what follows a close frame cannot come later, since nobody is there.
	atOnce bool
}

// pong, said and saidText are what a server answers.
func pong(payload string) frame     { return frame{finPong, payload} }
func said(payload string) frame     { return frame{finBinary, payload} }
func saidText(payload string) frame { return frame{finText, payload} }

// long is more than a length of 7 bits can say.
var long = strings.Repeat("0123456789", 30)

func fragmentCases() []conduct {
	return []conduct{
		{name: "two fragments", send: join(masked(opBinary, "ab"), masked(finCont, "cd")), want: []frame{said("abcd")}},
		{name: "five fragments", send: join(masked(opBinary, "a"), masked(opCont, "b"), masked(opCont, long), masked(opCont, "d"), masked(finCont, "e")), want: []frame{said("ab" + long + "de")}},
		{name: "empty fragments", send: join(masked(opBinary, ""), masked(opCont, ""), masked(opCont, "x"), masked(finCont, "")), want: []frame{said("x")}},
		{name: "nothing but empty fragments", send: join(masked(opBinary, ""), masked(opCont, ""), masked(finCont, "")), want: []frame{said(nothing)}},
		{name: "empty message", send: masked(finBinary, ""), want: []frame{said(nothing)}},
		{name: "empty text", text: true, send: masked(finText, ""), want: []frame{saidText(nothing)}},
		{name: "pings between", send: join(masked(opBinary, "a"), masked(finPing, "1"), masked(opCont, "b"), masked(finPing, ""), masked(finPong, "?"), masked(finCont, "c")), want: []frame{pong("1"), pong(""), said("abc")}},
		{name: "close between", send: join(masked(opBinary, "a"), closing(1000, "")), want: []frame{{finClose, "\x03\xe8"}}, told: 1000},
		{name: "two messages in fragments", send: join(masked(opBinary, "a"), masked(finCont, "b"), masked(opBinary, "c"), masked(finCont, "d")), want: []frame{said("ab"), said("cd")}},
		{name: "message inside fragments", send: join(masked(opBinary, "a"), masked(finBinary, "b")), refused: 1002},
		{name: "text inside fragments", send: join(masked(opBinary, "a"), masked(opText, "b")), refused: 1002},
		{name: "continuation of nothing", send: masked(finCont, "a"), refused: 1002},
		{name: "open continuation of nothing", send: masked(opCont, "a"), refused: 1002},
		{name: "continuation of what ended", send: join(masked(finBinary, "/"), masked(finCont, "b")), refused: 1002},
		{name: "several messages", send: join(masked(finBinary, "1"), masked(finBinary, long), masked(finBinary, "3")), want: []frame{said("1"), said(long), said("3")}},
	}
}

func controlCases() []conduct {
	cases := []conduct{
		{name: "unsolicited pongs", send: join(masked(finPong, ""), masked(finPong, "x"), masked(finBinary, "y")), want: []frame{said("y")}},
		{name: "ping of 126", send: join([]byte{finPing, 0xFE, 0, 126}, make([]byte, 130)), refused: 1002},
		{name: "pong of 126", send: join([]byte{finPong, 0xFE, 0, 126}, make([]byte, 130)), refused: 1002},
		{name: "close of 126", send: masked(finClose, "\x03\xe8"+strings.Repeat("x", 124)), refused: 1002},
		{name: "ping in fragments", send: join(masked(opPing, "a"), masked(finCont, "b")), refused: 1002},
		{name: "close in fragments", send: masked(opClose, "\x03\xe8"), refused: 1002},
		{name: "ten pings", send: []byte(strings.Repeat(string(masked(finPing, "p")), 10)), want: []frame{pong("p"), pong("p"), pong("p"), pong("p"), pong("p"), pong("p"), pong("p"), pong("p"), pong("p"), pong("p")}},
	}
	for _, size := range []int{0, 1, 2, 124, 125} {
		payload := strings.Repeat("\xfe", size)
		cases = append(cases, conduct{name: fmt.Sprintf("ping of %d", size), send: masked(finPing, payload), want: []frame{pong(payload)}})
	}
	return cases
}

func headerCases() []conduct {
	cases := []conduct{
		{name: "unmasked", send: []byte{finBinary, 1, 'x', 'x', 'x', 'x', 'x'}, refused: 1002},
		{name: "unmasked ping", send: []byte{finPing, 0}, refused: 1002},
		{name: "length of two bytes for 125", send: join([]byte{finBinary, 0xFE, 0, 125}, make([]byte, 129)), refused: 1002},
		{name: "length of eight bytes for 65535", send: []byte{finBinary, 0xFF, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0, 0, 0}, refused: 1002},
		{name: "length of 2^63", send: []byte{finBinary, 0xFF, 0x80, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0}, refused: 1002},
		{name: "length of 2^63-1", send: []byte{finBinary, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0}, refused: 1009},
		{name: "good, then bad", send: join(masked(finPing, "p"), masked(finBinary, "m"), []byte{finBinary | 0x40, 0x80, 0, 0, 0, 0}), refused: 1002},
	}
	for _, bit := range []byte{0x10, 0x20, 0x40, 0x70} {
		for _, op := range []byte{finBinary, finText, finPing, finClose, opBinary} {
			cases = append(cases, conduct{name: fmt.Sprintf("reserved bits %02x of %02x", bit, op), send: masked(op|bit, ""), refused: 1002})
		}
	}
	for _, op := range []byte{3, 4, 5, 6, 7, 11, 12, 13, 14, 15} {
		cases = append(cases, conduct{name: fmt.Sprintf("opcode %d", op), send: masked(fin|op, "x"), refused: 1002},
			conduct{name: fmt.Sprintf("open opcode %d", op), send: masked(op, ""), refused: 1002})
	}
	return cases
}

func closeCases() []conduct {
	var cases []conduct
	for _, code := range []int{1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999} {
		cases = append(cases, conduct{
			name: fmt.Sprintf("close %d", code), send: closing(code, "bye €"), told: consumer.CloseCode(code),
			want: []frame{{finClose, string([]byte{byte(code >> 8), byte(code)}) + "bye €"}},
		})
	}
	for _, code := range []int{0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535} {
		cases = append(cases, conduct{name: fmt.Sprintf("close %d", code), send: closing(code, "bye"), refused: 1002})
	}
	longest := strings.Repeat("r", 123)
	return append(cases,
		conduct{name: "close without payload", send: masked(finClose, ""), want: []frame{{finClose, ""}}, told: 1005},
		conduct{name: "close with half a code", send: masked(finClose, "\x03"), refused: 1002},
		conduct{name: "close with the longest reason", send: closing(1000, longest), want: []frame{{finClose, "\x03\xe8" + longest}}, told: 1000},
		conduct{name: "close with a bad reason", send: closing(1000, "caf\xc3"), refused: 1007},
		conduct{name: "data after close", send: join(masked(finBinary, "a"), closing(1000, ""), masked(finBinary, "b"), masked(finPing, "c")), told: 1000, atOnce: true},
		conduct{name: "garbage after close", send: join(closing(4000, ""), []byte("\xff\xff\xff\xff")), want: []frame{{finClose, "\x0f\xa0"}}, told: 4000, atOnce: true},
		conduct{name: "two closes", send: join(closing(1001, ""), closing(1002, "")), want: []frame{{finClose, "\x03\xe9"}}, told: 1001, atOnce: true})
}

func textCases() []conduct {
	const greek, smile = "Hello-µ@ßöäüàá-UTF-8!!", "κόσμε \U0010FFFF \uFFFF \u0000😀"
	cases := []conduct{
		{name: "split inside characters", text: true, send: join(masked(opText, "κ\xf0\x9f"), masked(opCont, "\x98"), masked(opCont, ""), masked(finCont, "\x80!")), want: []frame{saidText("κ😀!")}},
		{name: "a ping inside a character", text: true, send: join(masked(opText, "\xe2\x82"), masked(finPing, "\xff"), masked(finCont, "\xac")), want: []frame{pong("\xff"), saidText("€")}},
		{name: "an end inside a character", text: true, send: join(masked(opText, "ok \xe2"), masked(finCont, "\x82")), refused: 1007},
		{name: "no UTF-8 in the first of fragments", text: true, send: join(masked(opText, "\xff"), masked(finCont, "x")), refused: 1007},
		{name: "binary may be anything", send: masked(finBinary, "\xff\xfe\xc0\x80\xed\xa0\x80"), want: []frame{said("\xff\xfe\xc0\x80\xed\xa0\x80")}},
	}
	for _, good := range []string{greek, smile, "\ufeff", "\ud7ff\ue000\ufffd", "\U00010000"} {
		cases = append(cases, conduct{name: fmt.Sprintf("good %+q", good), text: true, send: masked(finText, good), want: []frame{saidText(good)}})
		var bytewise []byte
		for i := range len(good) {
			bytewise = append(bytewise, masked(opCont, good[i:i+1])...)
		}
		cases = append(cases, conduct{name: fmt.Sprintf("good %+q in single bytes", good), text: true, send: join(masked(opText, ""), bytewise, masked(finCont, "")), want: []frame{saidText(good)}})
	}
	for name, bad := range map[string]string{
		"lone continuation": "\x80", "sixty-four continuations": strings.Repeat("\xbf", 64), "lone start": "\xc3 ",
		"overlong slash": "\xc0\xaf", "overlong of three": "\xe0\x80\xaf", "overlong of four": "\xf0\x80\x80\xaf", "overlong zero": "\xc0\x80",
		"surrogate": "\xed\xa0\x80", "pair of surrogates": "\xed\xa0\x81\xed\xb0\x80", "beyond Unicode": "\xf4\x90\x80\x80",
		"five bytes": "\xf8\x88\x80\x80\x80", "fe": "\xfe", "ff": "\xff", "cut": "κόσμ\xce",
	} {
		cases = append(cases, conduct{name: "bad: " + name, text: true, send: masked(finText, bad), refused: 1007},
			conduct{name: "bad: " + name + " behind good text", text: true, send: masked(finText, greek+bad+"edited"), refused: 1007})
	}
	return cases
}

// deliveries are the ways in which the same bytes come.
var deliveries = map[string]func(t *testing.T, s *site, c *conduct) *rawClient{
	"at once": func(t *testing.T, s *site, c *conduct) *rawClient {
		t.Helper()
		client := s.dial(t, c.text)
		client.send(c.send)
		return client
	},
	"with the request": func(t *testing.T, s *site, c *conduct) *rawClient {
		t.Helper()
		return s.dial(t, c.text, c.send)
	},
	"byte by byte": func(t *testing.T, s *site, c *conduct) *rawClient {
		t.Helper()
		client := s.dial(t, c.text)
		client.trickle(c.send)
		return client
	},
}

// TestConduct runs through the rules of RFC 6455, in each mode.
func TestConduct(t *testing.T) {
	t.Parallel()
	inEachWay(t, consumer.Limits{MaxMessageBytes: 1 << 20}, func(s *site) {
		t := s.T
		for _, list := range [][]conduct{fragmentCases(), controlCases(), headerCases(), closeCases(), textCases()} {
			for i := range list {
				for name, deliver := range deliveries {
					if name != "byte by byte" || !list[i].atOnce {
						t.Run(list[i].name+" "+name, func(t *testing.T) { list[i].check(deliver(t, s, &list[i]), s) })
					}
				}
			}
		}
	})
}

// check fails unless the server does what it has to.
func (c *conduct) check(client *rawClient, s *site) {
	client.Helper()
	client.gets(c.want...)
	switch {
	case c.refused != 0:
		client.refusedWith(c.refused)
		s.endsWith(client, c.refused)
	case c.told != 0:
		if c.want == nil { // an answer to what came before may be on its way
			client.skipTo(finClose)
		}
		client.ends()
		s.endsWith(client, c.told)
	default:
		client.alive()
		client.send(closing(1000, ""))
		client.gets(frame{finClose, "\x03\xe8"})
		client.ends()
		s.endsWith(client, 1000)
	}
}
