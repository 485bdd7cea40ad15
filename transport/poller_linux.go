package transport

import (
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// poller is the event mode: a connection that is idle has neither a goroutine
// nor a buffer. Its socket is taken out of Go's poller and put into an epoll
// instance of our own, which in turn is waited for through Go's poller.
type poller struct {
	loops []*loop
	next  atomic.Uint32
}

// eventMode says that this system has one.
const eventMode = true

// maxLoops bounds the loops: handlers do not run on them, so few are enough.
const maxLoops = 4

// newPoller starts the loops.
func newPoller() (*poller, error) {
	p := &poller{}
	for range min(max(runtime.GOMAXPROCS(0)/2, 1), maxLoops) {
		l, err := newLoop()
		if err != nil {
			p.stop()
			return nil, err
		}
		p.loops = append(p.loops, l)
	}
	return p, nil
}

// stop ends the loops. No connection may be left.
func (p *poller) stop() {
	for _, l := range p.loops {
		_ = l.file.Close()
		<-l.gone
	}
}

// adopt takes the socket of a connection over from Go. The connection is closed
// for who had it.
func (p *poller) adopt(tcp *net.TCPConn) (*eventEnd, error) {
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nil, err
	}
	e := &eventEnd{fd: -1, loop: p.loops[p.next.Add(1)%uint32(len(p.loops))]} //nolint:gosec // few loops
	var failed error
	err = raw.Control(func(fd uintptr) {
		e.fd, failed = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0)
	})
	if err = errors.Join(err, failed); err != nil {
		return nil, fmt.Errorf("a socket cannot be taken over: %w", err)
	}
	if err := tcp.Close(); err != nil {
		_ = unix.Close(e.fd)
		return nil, fmt.Errorf("a socket cannot be taken over: %w", err)
	}
	return e, nil
}

// eventEnd is a socket in an epoll instance.
type eventEnd struct {
	fd   int
	loop *loop
	conn *conn
	slot int32

	// What follows belongs to the loop.
	ended bool // it was closed, and its descriptor may be another one's
	again bool // there is more to read than its turn had time for
	ends  bool // nothing comes behind what is there

	watched bool // guarded by conn.mu, as is
	full    bool // the loop shall write when there is room
}

var _ end = (*eventEnd)(nil)

func (e *eventEnd) tryWrite(p []byte) (int, error) { return tryWrite(uintptr(e.fd), p) }

func (e *eventEnd) read(p []byte) (int, error) { return tryRead(uintptr(e.fd), p) }

// watch begins to read for a connection.
func (e *eventEnd) watch(c *conn) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	e.conn, e.watched = c, true
	events := uint32(readEvents)
	if e.full {
		events = writeEvents
	}
	return e.loop.add(e, events)
}

// Events are told once, when something comes: a socket is not asked again whether
// there is more each time that the loop waits. So whoever is told reads all of it.
const (
	readEvents  = unix.EPOLLIN | unix.EPOLLRDHUP | unix.EPOLLET
	writeEvents = readEvents | unix.EPOLLOUT
	// hangUp is that nothing comes behind what is there. Reading says why.
	hangUp = unix.EPOLLRDHUP | unix.EPOLLHUP | unix.EPOLLERR
)

// await has the loop write when there is room.
func (e *eventEnd) await(*conn) {
	if e.watched && !e.full {
		e.loop.modify(e, writeEvents)
	}
	e.full = true
}

// room writes what is left, and stops waiting for room if that was all.
func (e *eventEnd) room() {
	e.conn.drain()
	e.conn.mu.Lock()
	defer e.conn.mu.Unlock()
	if !e.conn.gone && e.full && len(e.conn.out) == 0 {
		e.full = false
		e.loop.modify(e, readEvents)
	}
}

func (e *eventEnd) shut() { _ = unix.Shutdown(e.fd, unix.SHUT_RDWR) } // the loop learns of it

func (e *eventEnd) shutRead() { _ = unix.Shutdown(e.fd, unix.SHUT_RD) }

func (e *eventEnd) close() {
	e.ended = true
	e.loop.remove(e)
	_ = unix.Close(e.fd)
}

// loop waits for events of its sockets and reads.
type loop struct {
	epoll int
	file  *os.File // the epoll instance, as Go's poller knows it
	gone  chan struct{}
	read  []byte      // of whoever is read from
	again []*eventEnd // who has more to be read, in the next round

	mu    sync.Mutex // guards what follows
	conns []*eventEnd
	free  []int32
}

const (
	loopBuffer = 64 << 10
	loopEvents = 256
	// loopReads is how often one socket is read before others have their turn.
	loopReads = 8
)

func newLoop() (*loop, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll: %w", err)
	}
	if err := unix.SetNonblock(epoll, true); err != nil {
		return nil, fmt.Errorf("epoll: %w", err)
	}
	l := &loop{
		epoll: epoll, file: os.NewFile(uintptr(epoll), "epoll"), gone: make(chan struct{}),
		read: make([]byte, loopBuffer),
	}
	raw, err := l.file.SyscallConn()
	if err != nil {
		return nil, fmt.Errorf("epoll: %w", err)
	}
	go l.run(raw.Read)
	return l, nil
}

// run handles events until the file is closed. wait calls its argument whenever
// the epoll instance has some, until that returns true.
func (l *loop) run(wait func(func(uintptr) bool) error) {
	defer close(l.gone)
	events := make([]unix.EpollEvent, loopEvents)
	n := 0
	look := func(uintptr) bool {
		var err error
		n, err = unix.EpollWait(l.epoll, events, 0)
		if err != nil {
			n = 0
		}
		return n > 0 || len(l.again) > 0
	}
	for wait(look) == nil {
		waiting := l.again
		l.again = nil
		for i := range events[:n] {
			l.handle(&events[i])
		}
		for _, e := range waiting {
			e.again = false
			l.readAll(e)
		}
	}
}

func (l *loop) handle(event *unix.EpollEvent) {
	l.mu.Lock()
	e := l.conns[event.Fd]
	l.mu.Unlock()
	if e == nil {
		return // closed a moment ago
	}
	if event.Events&unix.EPOLLOUT != 0 {
		e.room()
	}
	if event.Events&^unix.EPOLLOUT != 0 {
		e.ends = e.ends || event.Events&hangUp != 0
		l.readAll(e)
	}
}

// readAll reads what a socket has. If that takes long, others have their turn
// before the rest. A read that is not filled has got all, but for the end of the
// stream: when that has come, reading goes on until it is found.
func (l *loop) readAll(e *eventEnd) {
	for range loopReads {
		if e.ended {
			return
		}
		if more := e.conn.readOnce(e, l.read); !more && !e.ends {
			return
		}
	}
	if !e.ended && !e.again {
		e.again = true
		l.again = append(l.again, e)
	}
}

func (l *loop) add(e *eventEnd, events uint32) error {
	l.mu.Lock()
	if n := len(l.free); n > 0 {
		e.slot = l.free[n-1]
		l.free = l.free[:n-1]
		l.conns[e.slot] = e
	} else {
		e.slot = int32(len(l.conns)) //nolint:gosec // fewer than descriptors
		l.conns = append(l.conns, e)
	}
	l.mu.Unlock()
	event := unix.EpollEvent{Events: events, Fd: e.slot}
	if err := unix.EpollCtl(l.epoll, unix.EPOLL_CTL_ADD, e.fd, &event); err != nil {
		return fmt.Errorf("epoll: %w", err)
	}
	return nil
}

func (l *loop) modify(e *eventEnd, events uint32) {
	event := unix.EpollEvent{Events: events, Fd: e.slot}
	_ = unix.EpollCtl(l.epoll, unix.EPOLL_CTL_MOD, e.fd, &event) // it is in
}

func (l *loop) remove(e *eventEnd) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if int(e.slot) < len(l.conns) && l.conns[e.slot] == e {
		l.conns[e.slot] = nil
		l.free = append(l.free, e.slot)
	}
}
