package django

import (
	"context"

	"github.com/protoway/protoway/auth"
)

// The parts of a store that are tested by themselves.
type Cache struct{ *cache }

func NewCache(config Config, find func(ctx context.Context, id string) (*auth.User, error)) Cache {
	config, err := config.withDefaults()
	if err != nil {
		panic(err)
	}
	return Cache{newCache(config, find)}
}

func (c Cache) Get(ctx context.Context, id string) (*auth.User, error) { return c.get(ctx, id) }
func (c Cache) Forget(id string)                                       { c.forget(id) }
func (c Cache) Close()                                                 { c.close() }

// Len returns how many are remembered.
func (c Cache) Len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return max(len(c.known), c.order.Len())
}

// DecodeSession returns the user of the data of a session.
func DecodeSession(data string, secrets ...string) (string, error) {
	read, err := keys(secrets).decode(data)
	return read.UserID, err
}

// RoundTrip returns an id as it comes back from a column of a type.
func RoundTrip(id, kind string, dialect Dialect) (string, bool) {
	column := idColumnOf(kind, dialect)
	value, possible := column.value(id)
	if text, isText := value.(string); possible && isText {
		return column.text(text), true
	}
	return id, possible
}
