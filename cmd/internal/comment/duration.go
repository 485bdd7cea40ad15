package comment

import (
	"strconv"
	"strings"

	"github.com/protoway/protoway/cmd/internal/spelling"
)

// unitNames are the units of durations, the longest first.
var unitNames = []string{"years", "days", "hours", "minutes", "seconds"}

// units are the seconds of each unit.
var units = map[string]int64{"years": 365 * 86400, "days": 86400, "hours": 3600, "minutes": 60, "seconds": 1}

// maxSeconds is the longest google.protobuf.Duration, about 10,000 years.
const maxSeconds int64 = 315_576_000_000

// duration reads the value of client cache: a sum, in seconds. Between its
// terms there may be + or a comma.
func (c *cursor) duration() (int64, []Mistake) {
	at, text := c.next(), c.rest()
	var sum int64
	var all []Mistake
	for {
		seconds, mistakes := c.term()
		all = append(all, mistakes...)
		if seconds > maxSeconds-sum {
			return 0, append(all, tooLong(at, text)...)
		}
		sum += seconds
		if c.done() {
			break
		}
		if !c.take('+') {
			c.take(',')
		}
	}
	if len(all) == 0 && sum == 0 {
		return 0, mistake(at, "the duration is not positive", text, "state more than 0, or leave the line out")
	}
	return sum, all
}

// term reads one term, such as days(7). After a mistake that leaves unclear
// where the next one begins, it is at the end of the line.
func (c *cursor) term() (int64, []Mistake) {
	at := c.next()
	unit := c.span(inWord)
	open := c.take('(')
	inside, _, closed := strings.Cut(c.text[c.Byte:], ")")
	if unit == "" || !open || !closed {
		return 0, c.stop(at, "the duration cannot be read", "state a sum as in days(7) hours(12)")
	}
	amountAt := c.next()
	c.Byte = amountAt.Byte + len(strings.TrimLeft(inside, " \t\r\f\v")) + 1
	inside = strings.TrimSpace(inside)
	factor, known := units[unit]
	if !known {
		return 0, mistake(at, "the unit of the duration is not known", quote(unit),
			spelling.Suggest(unit, unitNames, "state "+strings.Join(unitNames, ", ")))
	}
	if inside == "" || strings.Trim(inside, "0123456789") != "" {
		return 0, mistake(amountAt, "the amount of the duration is not a whole number", quote(inside),
			"state digits only, as in "+unit+"(7)")
	}
	amount, err := strconv.ParseInt(inside, 10, 64)
	if err != nil || amount > maxSeconds/factor {
		return 0, tooLong(amountAt, inside)
	}
	return amount * factor, nil
}

func tooLong(at Place, text string) []Mistake {
	return mistake(at, "the duration is too long", text, "state at most 10,000 years")
}
