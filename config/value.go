package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// value is a field of [Settings] as the text of one key.
type value interface {
	// set reads a text, or says what was expected.
	set(text string) error
	// text is what set reads, and what is shown, but for secrets.
	text() string
	// plain is the value as JSON has it.
	plain() any
	// zero reports whether the field has the zero value of its type.
	zero() bool
}

// expected is the error of a value that cannot be read. It quotes no more of it
// than helps to find it.
func expected(what, text string) error {
	const most = 40
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return fmt.Errorf("expected %s, not %q", what, text)
}

type textValue struct{ field *string }

func (v textValue) text() string { return *v.field }
func (v textValue) plain() any   { return *v.field }
func (v textValue) zero() bool   { return *v.field == "" }
func (v textValue) set(text string) error {
	if text == "" {
		return errors.New("is empty; leave the key out for its default")
	}
	*v.field = text
	return nil
}

// optionalValue is a text, or none: an empty one is the default.
type optionalValue struct {
	textValue
	check func(text string) error // nil for any
}

func (v optionalValue) set(text string) error {
	if text != "" && v.check != nil {
		if err := v.check(text); err != nil {
			return err
		}
	}
	*v.field = text
	return nil
}

func checkURL(text string) error {
	if u, err := url.Parse(text); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return errors.New("expected a URL such as https://issuer.example/.well-known/jwks.json")
	}
	return nil
}

// addressValue is a TCP address to listen on.
type addressValue struct{ textValue }

func (v addressValue) set(text string) error {
	_, port, err := net.SplitHostPort(text)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return expected("an address such as :8080 or 127.0.0.1:8080", text)
	}
	return v.textValue.set(text)
}

// choiceValue is one of some words.
type choiceValue struct {
	textValue
	words []string
}

func (v choiceValue) set(text string) error {
	if !slices.Contains(v.words, text) {
		return expected("one of "+strings.Join(v.words, ", "), text)
	}
	return v.textValue.set(text)
}

// modeValue is a choice whose first one is the default.
type modeValue struct{ choiceValue }

func (v modeValue) zero() bool { return *v.field == v.words[0] }

type boolValue struct{ field *bool }

func (v boolValue) text() string { return strconv.FormatBool(*v.field) }
func (v boolValue) plain() any   { return *v.field }
func (v boolValue) zero() bool   { return !*v.field }
func (v boolValue) set(text string) error {
	switch strings.ToLower(text) {
	case "true":
		*v.field = true
	case "false":
		*v.field = false
	default:
		return expected("true or false", text)
	}
	return nil
}

// intValue is an integer of at least some value.
type intValue[T int | int32] struct {
	field *T
	least T
}

func (v intValue[T]) text() string { return strconv.FormatInt(int64(*v.field), 10) }
func (v intValue[T]) plain() any   { return *v.field }
func (v intValue[T]) zero() bool   { return *v.field == 0 }
func (v intValue[T]) set(text string) error {
	number, err := strconv.ParseInt(text, 10, 64)
	switch {
	case errors.Is(err, strconv.ErrRange), err == nil && int64(T(number)) != number:
		return errors.New("the number is too large")
	case err != nil || number < int64(v.least):
		return expected(fmt.Sprintf("an integer of at least %d", v.least), text)
	}
	*v.field = T(number)
	return nil
}

// durationValue is a time of at least some length.
type durationValue struct {
	field *time.Duration
	least time.Duration
}

func (v durationValue) text() string { return shortDuration(*v.field) }
func (v durationValue) plain() any   { return v.text() }
func (v durationValue) zero() bool   { return *v.field == 0 }
func (v durationValue) set(text string) error {
	duration, err := time.ParseDuration(text)
	if err != nil {
		return expected("a duration such as 500ms, 10s or 5m", text)
	}
	if duration < v.least {
		return fmt.Errorf("%s is too short: at least %s is needed", text, shortDuration(v.least))
	}
	*v.field = duration
	return nil
}

// shortDuration is 10m and not 10m0s.
func shortDuration(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// sizeValue is a number of bytes, at least one.
type sizeValue struct{ field *int }

// sizes are the units, the largest first.
func sizes() []struct {
	unit  string
	bytes int
} {
	return []struct {
		unit  string
		bytes int
	}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}}
}

func (v sizeValue) plain() any { return *v.field }
func (v sizeValue) zero() bool { return *v.field == 0 }
func (v sizeValue) text() string {
	for _, size := range sizes() {
		if *v.field >= size.bytes && *v.field%size.bytes == 0 {
			return strconv.Itoa(*v.field/size.bytes) + size.unit
		}
	}
	return strconv.Itoa(*v.field)
}

func (v sizeValue) set(text string) error {
	digits, factor := text, 1
	for _, size := range sizes() {
		if before, found := strings.CutSuffix(text, size.unit); found {
			digits, factor = strings.TrimRight(before, " "), size.bytes
		}
	}
	number, err := strconv.Atoi(digits)
	switch {
	case errors.Is(err, strconv.ErrRange), err == nil && number*factor/factor != number:
		return errors.New("the size is too large")
	case err != nil || number < 1:
		return expected("a size in bytes, or in KiB, MiB or GiB: 65536, 64KiB", text)
	}
	*v.field = number * factor
	return nil
}

// sizeOrNone is a number of bytes, or none.
type sizeOrNone struct{ sizeValue }

func (v sizeOrNone) set(text string) error {
	if text == "0" {
		*v.field = 0
		return nil
	}
	return v.sizeValue.set(text)
}

// secretValue is bytes that are never shown.
type secretValue struct{ field *Secret }

func (v secretValue) text() string { return v.field.String() }
func (v secretValue) plain() any   { return v.field.String() }
func (v secretValue) zero() bool   { return !v.field.Set() }
func (v secretValue) set(text string) error {
	if text == "" {
		return errors.New("is empty; leave the key out for none")
	}
	*v.field = NewSecret([]byte(text))
	return nil
}
