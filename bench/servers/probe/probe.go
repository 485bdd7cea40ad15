// Package probe is what the servers for measurements share: it says where they
// listen and how much memory they use.
//
//	probe.Run(mux, probe.Info{})
//
// The one idea: any generator can measure a server, since the first line it
// prints is JSON with its URL and process, and /gc tells what it keeps.
package probe

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"
	"time"
)

// Info is the line that a server prints when it is ready.
type Info struct {
	URL string `json:"url"` // of the WebSocket
	GC  string `json:"gc"`  // of what [GC] serves
	PID int    `json:"pid"`
	// Token is one to connect with, Tokens the file with all of them, one on each
	// line. Empty: none is needed.
	Token  string `json:"token,omitempty"`
	Tokens string `json:"tokens,omitempty"`
	// Mode is the way in which connections are read.
	Mode string `json:"mode,omitempty"`
}

// Flags are what every server takes.
type Flags struct {
	Addr  string
	Pprof bool
}

// Define adds the flags to a set.
func (f *Flags) Define(set *flag.FlagSet) {
	set.StringVar(&f.Addr, "addr", "127.0.0.1:0", "address to listen on; port 0 is any free one")
	set.BoolVar(&f.Pprof, "pprof", false, "serve profiles at /debug/pprof/")
}

// Run serves until a signal comes, and ends the process. The WebSocket is at /ws
// of mux.
func Run(mux *http.ServeMux, f Flags, info Info) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := Serve(ctx, mux, f, info)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// Serve serves until ctx ends. The WebSocket is at /ws of mux.
func Serve(ctx context.Context, mux *http.ServeMux, f Flags, info Info) error {
	mux.HandleFunc("GET /gc", GC)
	if f.Pprof {
		mux.HandleFunc("/debug/pprof/", pprof.Index)
		mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", f.Addr)
	if err != nil {
		return err
	}
	info.PID = os.Getpid()
	info.URL, info.GC = "ws://"+listener.Addr().String()+"/ws", "http://"+listener.Addr().String()+"/gc"
	if err := json.NewEncoder(os.Stdout).Encode(info); err != nil {
		return err
	}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// GC collects garbage twice, since what has a finalizer goes at the second time,
// gives the memory back, and tells what is left.
func GC(w http.ResponseWriter, _ *http.Request) {
	debug.FreeOSMemory()
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]uint64{
		"goroutines": uint64(max(runtime.NumGoroutine(), 0)), "mallocs": m.Mallocs, "heap_objects": m.HeapObjects,
		"heap_alloc": m.HeapAlloc, "heap_inuse": m.HeapInuse, "stack_inuse": m.StackInuse, "sys": m.Sys,
	})
}
