package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/spf13/cobra"
)

const (
	// bufVersion is the buf that this tool is tested with.
	bufVersion = "v1.72.0"
	bufPackage = "github.com/bufbuild/buf/cmd/buf"
)

// findBuf finds the buf to use, and installs it if there is none.
func findBuf(cmd *cobra.Command, stated string) (string, error) {
	if stated != "" {
		return statedBuf("--buf", stated)
	}
	if variable := os.Getenv("BUF"); variable != "" {
		return statedBuf("BUF", variable)
	}
	cached, err := cachedBuf()
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(cached); err == nil {
		return cached, nil
	}
	if found, err := exec.LookPath("buf"); err == nil {
		warnOtherBuf(cmd, found)
		return found, nil
	}
	return cached, installBuf(cmd, cached)
}

func statedBuf(by, name string) (string, error) {
	found, err := exec.LookPath(name)
	if err != nil {
		return "", usagef("%s is %q, which cannot be run: state the path of buf, or leave it out", by, name)
	}
	return filepath.Abs(found) // it runs in another folder
}

// cachedBuf is where the pinned buf is kept.
func cachedBuf() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("there is no folder for buf: %w; set it, or state a buf with --buf", err)
	}
	name := "buf"
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	return filepath.Join(cache, "protoway", "buf-"+bufVersion, name), nil
}

// warnOtherBuf says if a buf is not the one that this tool is tested with.
func warnOtherBuf(cmd *cobra.Command, name string) {
	out, err := exec.CommandContext(cmd.Context(), name, "--version").Output()
	version := "v" + strings.TrimSpace(string(out))
	if err == nil && version == bufVersion {
		return
	}
	progress(cmd, "warning: %s is buf %s, and this tool is tested with %s", name, version, bufVersion)
}

// installBuf builds the pinned buf into the cache. It appears there as a whole.
func installBuf(cmd *cobra.Command, cached string) error {
	if err := os.MkdirAll(filepath.Dir(filepath.Dir(cached)), 0o750); err != nil {
		return err
	}
	partial, err := os.MkdirTemp(filepath.Dir(filepath.Dir(cached)), "installing-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(partial) }()
	progress(cmd, "building buf %s into %s; this takes about two minutes, once", bufVersion, filepath.Dir(cached))
	command := exec.CommandContext(cmd.Context(), "go", "install", bufPackage+"@"+bufVersion)
	command.Env = append(os.Environ(), "GOBIN="+partial, "GOFLAGS=")
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("buf cannot be installed: %w; state one with --buf:\n%s", err, strings.TrimSpace(string(out)))
	}
	err = os.Rename(partial, filepath.Dir(cached))
	if _, missing := os.Stat(cached); missing == nil {
		return nil // also if another run was faster
	}
	return errors.Join(err, fmt.Errorf("go install has left no %s", cached))
}
