package transport

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/protoway/protoway/consumer"
)

const tapeLimit = 2000 // bytes of a message

// frames draws what a client sends: mostly good, sometimes anything.
func frames(t *rapid.T) []byte {
	var all []byte
	open := false
	for range rapid.IntRange(1, 12).Draw(t, "frames") {
		kind := rapid.IntRange(0, 19).Draw(t, "kind")
		mask := string(rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "mask"))
		size := rapid.OneOf(rapid.IntRange(0, 30), rapid.SampledFrom([]int{124, 125, 126, 127, 700, tapeLimit, tapeLimit + 1})).Draw(t, "size")
		payload := bytes.Repeat([]byte("ü"), size)[:size]
		fin := rapid.Bool().Draw(t, "fin")
		switch {
		case kind < 3:
			all = append(all, masked(bitFin|opPing, payload[:min(size, maxControl)], mask)...)
		case kind < 4:
			all = append(all, masked(bitFin|opPong, payload[:min(size, maxControl)], mask)...)
		case kind < 5:
			payload = append([]byte{3, 232}, payload[:min(size&^1, maxControl-3)]...)
			all = append(all, masked(bitFin|opClose, payload, mask)...)
		case kind < 6:
			all = append(all, rapid.SliceOfN(rapid.Byte(), 1, 20).Draw(t, "garbage")...)
		default:
			opcode := byte(opBinary)
			if kind < 10 {
				opcode = opText
			}
			if open {
				opcode = opContinuation
			}
			if open = !fin; fin {
				opcode |= bitFin
			}
			all = append(all, masked(opcode, payload, mask)...)
		}
	}
	return all
}

// TestSplitsDoNotMatter: however the network cuts what a client sends, the same
// comes of it.
func TestSplitsDoNotMatter(t *testing.T) {
	s := newStation(t)
	rapid.Check(t, func(t *rapid.T) {
		all := frames(t)
		cuts := rapid.SliceOfN(rapid.IntRange(0, len(all)), 0, 20).Draw(t, "cuts")
		mustAgree(t, s, all, cuts, rapid.SampledFrom([]int{1, 7, 64, 5000}).Draw(t, "scratch"))
	})
}

// mustAgree fails unless bytes that come in pieces do the same as the whole.
func mustAgree(t rapid.TB, s *station, all []byte, cuts []int, scratch int) {
	t.Helper()
	limits := newReadLimits(tapeLimit)
	whole := s.open(limits)
	whole.feedAll(all, nil, len(all)+1)
	want := whole.result()
	whole.stop()
	split := s.open(limits)
	split.feedAll(all, cuts, scratch)
	if got := split.result(); got != want {
		t.Fatalf("in pieces\n%s\nas a whole\n%s", got, want)
	}
	if kept, counted := cap(split.part)+cap(split.message), limits.kept.Load(); int64(kept) != counted {
		t.Errorf("%d bytes are kept, %d are counted", kept, counted)
	}
	if most := 4*tapeLimit + 2*firstRoom; cap(split.part) > most || cap(split.message) > most {
		t.Errorf("%d and %d bytes are kept", cap(split.part), cap(split.message))
	}
	split.stop()
	if kept := limits.kept.Load(); kept != 0 {
		t.Errorf("%d bytes are counted when nothing is left", kept)
	}
}

// TestEverySplitInTwo cuts one conversation at each of its bytes, and into
// single bytes.
func TestEverySplitInTwo(t *testing.T) {
	s := newStation(t)
	var all []byte
	for _, f := range [][]byte{
		masked(bitFin|opText, []byte("Grüße"), "abcd"),
		masked(opBinary, bytes.Repeat([]byte("x"), 126), "efgh"),
		masked(bitFin|opPing, []byte("ping"), "ijkl"),
		masked(opContinuation, nil, "mnop"),
		masked(bitFin|opContinuation, bytes.Repeat([]byte("y"), 125), "qrst"),
		masked(bitFin|opClose, []byte("\x03\xe8bye"), "uvwx"),
		masked(bitFin|opText, []byte("ignored"), "yzab"),
	} {
		all = append(all, f...)
	}
	for cut := range all {
		mustAgree(t, s, all, []int{cut}, 5000)
	}
	mustAgree(t, s, all, nil, 1)
}

// FuzzFeed feeds anything, as a whole and cut by what cuts says.
func FuzzFeed(f *testing.F) {
	long := masked(bitFin|opBinary, bytes.Repeat([]byte("x"), 300), "mask")
	f.Add(masked(bitFin|opText, []byte("hello"), "abcd"), []byte{3})
	f.Add(append(masked(opText, []byte("he"), "abcd"), masked(bitFin|opContinuation, []byte("llo"), "efgh")...), []byte{1, 9})
	f.Add(append(long, masked(bitFin|opClose, []byte("\x03\xe8"), "abcd")...), []byte{2, 100, 100})
	f.Add(head(bitFin|opBinary, 1<<63-1, 9, "mask"), []byte{})
	s := newStation(f)
	f.Fuzz(func(t *testing.T, all, steps []byte) {
		if len(all) > 20*tapeLimit {
			return
		}
		var cuts []int
		at := 0
		for _, step := range steps {
			at += int(step)
			cuts = append(cuts, at)
		}
		mustAgree(t, s, all, cuts, 1+len(steps))
	})
}

func TestMessagesOfAllSizes(t *testing.T) {
	s := newStation(t)
	for _, size := range []int{0, 1, 125, 126, 127, 65535, 65536, 1 << 20} {
		for _, scratch := range []int{100, loopSize} {
			limits := newReadLimits(1 << 20)
			p := s.open(limits)
			payload := bytes.Repeat([]byte("z"), size)
			p.feedAll(masked(bitFin|opBinary, payload, "mask"), nil, scratch)
			if len(p.messages) != 1 || len(p.messages[0]) != len("false ")+2*size || limits.kept.Load() != 0 {
				t.Errorf("%d bytes: %d messages, %d bytes are kept", size, len(p.messages), limits.kept.Load())
			}
			p.stop()
		}
	}
}

// loopSize is how much an event loop reads at once.
const loopSize = 64 << 10

// TestTooLargeIsRefusedByItsHeader: before anything of it is kept.
func TestTooLargeIsRefusedByItsHeader(t *testing.T) {
	s := newStation(t)
	for _, length := range []uint64{tapeLimit + 1, 1 << 31, 1 << 40, 1<<63 - 1} {
		limits := newReadLimits(tapeLimit)
		p := s.open(limits)
		form := 9
		if length < 1<<16 {
			form = 3
		}
		p.feedAll(head(bitFin|opBinary, length, form, "mask"), nil, 100)
		if out := string(p.tape.out); !strings.HasPrefix(out[2:], "\x03\xf1a message has more than 2000 bytes") {
			t.Errorf("%d: the server says %q", length, out)
		}
		p.feedAll(bytes.Repeat([]byte("x"), 1<<16), nil, 4096) // read and dropped
		if len(p.messages) > 0 || limits.kept.Load() != 0 {
			t.Errorf("%d: messages %v, %d bytes are kept", length, p.messages, limits.kept.Load())
		}
		p.stop()
	}
}

// TestBudget: all connections together keep no more than the budget; who comes
// too late is told so, and what they had is free again.
func TestBudget(t *testing.T) {
	s := newStation(t)
	limits := &readLimits{message: 1 << 20, total: 3 << 20}
	half := head(bitFin|opBinary, 1<<20, 9, "mask")
	half = append(half, make([]byte, 1<<20-1)...)
	fragment := masked(opBinary, make([]byte, 1<<20-1), "mask")
	var all []*taped
	refused := 0
	for i := range 20 {
		p := s.open(limits)
		all = append(all, p)
		if i%2 == 0 {
			p.feedAll(half, nil, 4096)
		} else {
			p.feedAll(fragment, nil, 4096)
		}
		if p.over {
			refused++
			if code := binary.BigEndian.Uint16(p.tape.out[2:]); code != uint16(consumer.CloseTryLater) {
				t.Errorf("refused with %d", code)
			}
		}
	}
	if kept := limits.kept.Load(); kept > limits.total || refused == 0 || refused == 20 {
		t.Errorf("%d bytes are kept, %d of 20 were refused", kept, refused)
	}
	for _, p := range all {
		p.stop()
	}
	if kept := limits.kept.Load(); kept != 0 {
		t.Errorf("%d bytes are counted when nothing is left", kept)
	}
}

// TestRestIsReadWithRoom: one byte that came alone does not have the rest read
// in crumbs.
func TestRestIsReadWithRoom(t *testing.T) {
	s := newStation(t)
	p := s.open(newReadLimits(1 << 20))
	defer p.stop()
	all := masked(bitFin|opBinary, make([]byte, 100_000), "mask")
	network := pieces{all[:1], all[1:]}
	scratch, reads := make([]byte, 100), 0
	for ; len(network) > 0; reads++ {
		before := len(p.part)
		p.readOnce(&network, scratch)
		if before > 0 && cap(p.part)-before < leastRoom && len(network) > 0 {
			t.Errorf("a read behind %d bytes had room for %d", before, cap(p.part)-before)
		}
	}
	if reads > 10 || len(p.messages) != 1 {
		t.Errorf("%d messages in %d reads", len(p.messages), reads)
	}
}
