package auth

import (
	"context"
	"slices"
	"time"
)

const (
	// toldFor is how long a revocation that was told is remembered, and how far
	// back in the log whoever begins to watch looks, for clocks that differ.
	toldFor = time.Minute
	// maxTold is how many of these there are at most.
	maxTold = 1000
	// pollTimeout bounds one look into the log.
	pollTimeout = 10 * time.Second
)

// Watch has tell called for each revocation that is made from now on, in whichever
// process that shares the store: within a second of it, or as soon as the store can
// be asked again. A revocation may be told again, and one of the last minute too. A
// single goroutine calls all watchers in turn, so tell must not wait for anything.
//
// stop ends it; whoever watches must call it, since there is a goroutine until then.
// The last stop waits for that goroutine, so tell itself must not call it.
//
// Between the check of a token and the moment at which tell could find the connection
// a revocation may be told. So whoever keeps connections first makes one findable
// and then asks [Revocations.Told].
func (r *Revocations) Watch(tell func(Revocation)) (stop func()) {
	if r.usable() != nil {
		return func() {}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	mine := r.next
	r.next++
	r.watchers[mine] = tell
	if r.end == nil {
		ctx, end := context.WithCancel(context.Background())
		r.end, r.ended = end, make(chan struct{})
		go r.poll(ctx, r.ended)
	}
	return func() { r.unwatch(mine) }
}

func (r *Revocations) unwatch(which int) {
	r.mu.Lock()
	delete(r.watchers, which)
	end, ended := r.end, r.ended
	last := end != nil && len(r.watchers) == 0
	if last {
		r.end, r.ended, r.told = nil, nil, nil
	}
	r.mu.Unlock()
	if last {
		end()
		<-ended
	}
}

// Told reports whether a revocation that was told within the last minute covers u.
// It asks no store and knows nothing while nobody watches.
func (r *Revocations) Told(u *User) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.ContainsFunc(r.told, func(entry logged) bool { return entry.Covers(u) })
}

// poll reads the log until ctx ends.
func (r *Revocations) poll(ctx context.Context, ended chan<- struct{}) {
	defer close(ended)
	ticker := time.NewTicker(r.config.Poll)
	defer ticker.Stop()
	var (
		read  place
		began = r.config.Clock().Add(-toldFor)
		down  bool
	)
	for {
		entries, to, err := r.look(ctx, read, began)
		if ctx.Err() != nil {
			return
		}
		switch {
		case err != nil && !down:
			r.config.Logger.Error("auth: revocations cannot be read, open connections are not told of them", "error", err)
		case err == nil && down:
			r.config.Logger.Info("auth: revocations can be read again")
		}
		down, read = err != nil, to
		for _, entry := range entries {
			r.tell(entry)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case <-r.wake:
		}
	}
}

func (r *Revocations) look(ctx context.Context, read place, began time.Time) ([]logged, place, error) {
	ctx, cancel := context.WithTimeout(ctx, pollTimeout)
	defer cancel()
	return r.log.since(ctx, read, began)
}

// tell remembers a revocation, and then tells it, in this order: see [Revocations.Told].
func (r *Revocations) tell(entry logged) {
	now := r.config.Clock()
	entry.At = now
	r.mu.Lock()
	r.told = slices.DeleteFunc(r.told, func(old logged) bool { return now.Sub(old.At) > toldFor })
	if len(r.told) == maxTold {
		r.told = slices.Delete(r.told, 0, 1)
	}
	r.told = append(r.told, entry)
	watchers := make([]func(Revocation), 0, len(r.watchers))
	for _, watcher := range r.watchers {
		watchers = append(watchers, watcher)
	}
	r.mu.Unlock()
	for _, watcher := range watchers {
		watcher(entry.Revocation)
	}
}
