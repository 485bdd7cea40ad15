package protoway_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/protoway/protoway"
	"github.com/protoway/protoway/consumer"
	protowayv1 "github.com/protoway/protoway/gen/protoway/v1"
	"github.com/protoway/protoway/internal/testpeer"
	testv1 "github.com/protoway/protoway/internal/testschema/gen/test/v1"
	"github.com/protoway/protoway/transport"
	"github.com/protoway/protoway/wire"
)

// idlePeers is how many connections are open while memory is measured. Server and
// clients are two processes, since each has a bound of descriptors.
const idlePeers = 10_000

// idleVariable names the address to which the other process connects.
const idleVariable = "TEST_IDLE_ADDRESS"

// TestAllocIdleConnection is the gate of what an idle connection that has joined a
// group may keep: memory, and goroutines.
func TestAllocIdleConnection(t *testing.T) {
	if raceEnabled {
		t.Log("the race detector needs memory: the gate counts without it")
		return
	}
	for _, c := range []struct {
		mode       transport.Mode
		bytes      int
		goroutines int
	}{
		{transport.Event, 5_400, 0},
		{transport.Goroutine, 12_000, 1},
	} {
		t.Run(string(c.mode), func(t *testing.T) {
			server, url := start(t, protoway.Config{Mode: c.mode, Limits: consumer.Limits{Heartbeat: time.Hour}}, joiner())
			before, goroutines := measured()
			holdIdle(t, url)
			if n := server.Stats().Connections; n != idlePeers {
				t.Fatalf("%d connections, want %d", n, idlePeers)
			}
			var after, running int
			eventually(t, "what welcomed them has ended", func() bool {
				after, running = measured()
				return running-goroutines <= c.goroutines*idlePeers+300 // the workers, and a few of the server
			})
			each := (after - before) / idlePeers
			t.Logf("%d bytes and %.2f goroutines for each of %d connections", each, float64(running-goroutines)/idlePeers, idlePeers)
			if each > c.bytes {
				t.Errorf("an idle connection keeps %d bytes, at most %d are allowed", each, c.bytes)
			}
			if running-goroutines < c.goroutines*idlePeers {
				t.Errorf("%d goroutines for %d connections", running-goroutines, idlePeers)
			}
		})
	}
}

// measured returns the memory in use, heap and stacks, and the goroutines.
func measured() (bytes, goroutines int) {
	runtime.GC()
	runtime.GC() // what finalizers let go
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int(stats.HeapInuse + stats.StackInuse), runtime.NumGoroutine()
}

// holdIdle has another process keep connections until the test ends, and returns
// when all have joined.
func holdIdle(t *testing.T, url string) {
	t.Helper()
	address := strings.TrimSuffix(strings.TrimPrefix(url, "http://"), "/ws")
	peers := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestIdlePeers$", "-test.timeout", "2m")
	peers.Env = append(os.Environ(), idleVariable+"="+address)
	peers.Stderr = t.Output()
	stdin, err := peers.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := peers.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := peers.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close()
		_, _ = io.Copy(io.Discard, stdout)
		if err := peers.Wait(); err != nil && t.Context().Err() == nil {
			t.Errorf("the clients ended with %v", err)
		}
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil || line != "joined\n" {
		t.Fatalf("the clients say %q, %v", line, err)
	}
}

// TestIdlePeers is the other process of TestAllocIdleConnection.
func TestIdlePeers(t *testing.T) {
	address := os.Getenv(idleVariable)
	if address == "" {
		return // nobody asked for it
	}
	request := idleRequest(t)
	conns := make([]net.Conn, idlePeers)
	for i := range conns {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
		if err != nil {
			t.Fatalf("connection %d: %v", i, err)
		}
		if _, err := conn.Write(request); err != nil {
			t.Fatal(err)
		}
		conns[i] = conn
	}
	for i, conn := range conns {
		if err := awaitIdle(conn); err != nil {
			t.Fatalf("connection %d: %v", i, err)
		}
	}
	_, _ = os.Stdout.WriteString("joined\n")
	_, _ = io.Copy(io.Discard, os.Stdin) // until the test has measured
	for _, conn := range conns {
		_ = conn.Close()
	}
}

// idleRequest is all that an idle client says: the upgrade, hello, and the frame
// that joins it to a group.
func idleRequest(t *testing.T) []byte {
	t.Helper()
	session := wire.Protobuf.Open(wire.NewCatalog(nil), wire.ClientSide)
	batch, err := session.Append(nil, &wire.Frame{ID: 1, Kind: wire.KindHello, Control: &protowayv1.Hello{}})
	if err == nil {
		batch, err = session.Append(batch, &wire.Frame{ID: 2, Kind: wire.KindMessage, Message: wire.Message{Type: "note", Value: &testv1.Note{Text: "join room"}}})
	}
	if err != nil {
		t.Fatal(err)
	}
	request := "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
		"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: protoway.v1\r\n\r\n"
	return append(append([]byte(request), 0x82, 0x80|byte(len(batch)), 0, 0, 0, 0), batch...) // masked with zeros
}

// awaitIdle reads until the frame that joins was acked: it is the last one.
func awaitIdle(conn net.Conn) error {
	if err := conn.SetReadDeadline(time.Now().Add(testpeer.Patience)); err != nil {
		return err
	}
	ack := []byte{0x10, 0x02, 0x22, 0x00} // re = 2, an ack that says nothing
	var came []byte
	chunk := make([]byte, 512)
	for {
		n, err := conn.Read(chunk)
		if came = append(came, chunk[:n]...); strings.Contains(string(came), string(ack)) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%w after %d bytes", err, len(came))
		}
	}
}

// TestAllocWritesPerMember: publications that wait for a group share one write to
// each member, and are encoded once.
func TestAllocWritesPerMember(t *testing.T) {
	const members, publications = 50, 16
	server, all, sinks := crowd(t, members)
	gate := make(chan struct{})
	entered := make(chan struct{}, 1)
	sinks[0].hold.Store(&hold{entered, gate})
	for _, s := range sinks {
		s.writes.Store(0)
	}
	first := make(chan error, 1)
	go func() { // is held by the first member while the others come
		_, err := server.Broadcast(context.Background(), "room", &testv1.Event{})
		first <- err
	}()
	await(t, "the first write", entered)
	for i := range publications {
		if _, err := server.Broadcast(t.Context(), "room", &testv1.Event{Number: int64(i)}); err != nil {
			t.Fatal(err)
		}
	}
	close(gate)
	if err := await(t, "the first broadcast", first); err != nil {
		t.Fatal(err)
	}
	for _, s := range sinks {
		eventually(t, "all has come", func() bool { return s.writes.Load() >= 2 })
	}
	for i, s := range sinks {
		if n := s.writes.Load(); n != 2 {
			t.Errorf("member %d got %d writes for 1 and %d publications, want 2", i, n, publications)
		}
	}
	finish(t, server, all...)
}
