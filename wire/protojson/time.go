package protojson

import (
	"strconv"
	"strings"
	"time"
)

// The ranges that google/protobuf/timestamp.proto and duration.proto state.
const (
	minTimestamp = -62_135_596_800 // 0001-01-01T00:00:00Z
	maxTimestamp = 253_402_300_799 // 9999-12-31T23:59:59Z
	maxDuration  = 315_576_000_000 // ten thousand years
	maxNanos     = 999_999_999
	nanoDigits   = 9
)

func appendTimestamp(dst []byte, seconds, nanos int64) ([]byte, error) {
	if seconds < minTimestamp || seconds > maxTimestamp || nanos < 0 || nanos > maxNanos {
		return dst, &Error{Reason: "timestamp out of range"}
	}
	dst = time.Unix(seconds, 0).UTC().AppendFormat(append(dst, '"'), "2006-01-02T15:04:05")
	return append(appendFraction(dst, nanos), 'Z', '"'), nil
}

func appendDuration(dst []byte, seconds, nanos int64) ([]byte, error) {
	if seconds < -maxDuration || seconds > maxDuration || nanos < -maxNanos || nanos > maxNanos {
		return dst, &Error{Reason: "duration out of range"}
	}
	if seconds > 0 && nanos < 0 || seconds < 0 && nanos > 0 {
		return dst, &Error{Reason: "seconds and nanos of a duration differ in sign"}
	}
	dst = append(dst, '"')
	if seconds < 0 || nanos < 0 {
		dst = append(dst, '-')
		seconds, nanos = -seconds, -nanos
	}
	dst = strconv.AppendInt(dst, seconds, 10)
	return append(appendFraction(dst, nanos), 's', '"'), nil
}

// appendFraction appends 0, 3, 6 or 9 digits, as the standard mapping asks.
func appendFraction(dst []byte, nanos int64) []byte {
	if nanos == 0 {
		return dst
	}
	digits := nanoDigits
	for nanos%1000 == 0 {
		nanos /= 1000
		digits -= 3
	}
	dst = append(dst, '.')
	text := strconv.FormatInt(nanos, 10)
	for range digits - len(text) {
		dst = append(dst, '0')
	}
	return append(dst, text...)
}

// parseTimestamp reads RFC 3339 with any offset and up to nine digits of a second.
func parseTimestamp(text string) (seconds int64, nanos int32, ok bool) {
	// time.Parse alone also takes a comma for the point, hours of one digit and more digits than it keeps.
	const whole = len("2006-01-02T15:04:05")
	if len(text) <= whole || text[13] != ':' || !strings.ContainsRune(".Z+-", rune(text[whole])) {
		return 0, 0, false
	}
	if text[whole] == '.' && countDigits([]byte(text[whole+1:])) > nanoDigits {
		return 0, 0, false
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil || t.Unix() < minTimestamp || t.Unix() > maxTimestamp {
		return 0, 0, false
	}
	return t.Unix(), int32(t.Nanosecond()), true //nolint:gosec // below 10^9
}

// parseDuration reads seconds with up to nine digits behind the point and the suffix s; the digits on one side of
// the point may be missing.
func parseDuration(text string) (seconds int64, nanos int32, ok bool) {
	number, ok := strings.CutSuffix(text, "s")
	if !ok {
		return 0, 0, false
	}
	number, negative := strings.CutPrefix(number, "-")
	if !negative {
		number = strings.TrimPrefix(number, "+")
	}
	whole, fraction, _ := strings.Cut(number, ".")
	if len(whole)+len(fraction) == 0 || len(fraction) > nanoDigits {
		return 0, 0, false
	}
	w, ok := parseDigits(whole)
	n, fractionOK := parseDigits(fraction)
	if !ok || !fractionOK || w > maxDuration {
		return 0, 0, false
	}
	for range nanoDigits - len(fraction) {
		n *= 10
	}
	if negative {
		w, n = -w, -n
	}
	return w, int32(n), true //nolint:gosec // below 10^9
}

// parseDigits reads decimal digits; none are 0.
func parseDigits(text string) (int64, bool) {
	const most = 18 // as many always fit
	if len(text) > most {
		return 0, false
	}
	var n int64
	for i := range len(text) {
		if !isDigit(text[i]) {
			return 0, false
		}
		n = n*10 + int64(text[i]-'0')
	}
	return n, true
}
