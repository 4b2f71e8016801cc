package theme_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/charmbracelet/x/ansi"
	"github.com/stretchr/testify/require"

	"github.com/bandeja/inboxd/tui/internal/theme"
)

// Paint must not change the text, or columns would move.
func TestPaintKeepsTheText(t *testing.T) {
	t.Parallel()

	for _, o := range []theme.Options{{Color: true}, {}, {Plain: true}} {
		for _, th := range []theme.Theme{theme.New(o), theme.New(o).Faded()} {
			for role := theme.Plain; role <= theme.Crit; role++ {
				for _, text := range []string{"", "   ", "  12!", "name   ", " a b "} {
					require.Equal(t, text, ansi.Strip(th.Paint(role, text)))
				}
			}
		}
	}
}

// Old data must look old everywhere, but the operator must still see where they
// are.
func TestFadedKeepsOnlyTheBadges(t *testing.T) {
	t.Parallel()

	th := theme.New(theme.Options{Color: true})
	faded := th.Faded()
	require.Equal(t, th.Paint(theme.Production, "PROD"), faded.Paint(theme.Production, "PROD"))
	for _, role := range []theme.Role{theme.Plain, theme.Head, theme.Warn, theme.Crit, theme.Cursor} {
		require.Equal(t, th.Paint(theme.Dim, "12"), faded.Paint(role, "12"))
	}
}

// rgb is a colour, each part 0..1 as light, not as a code.
type rgb [3]float64

func colour(code uint32) (c rgb) {
	for i, part := range []uint32{code >> 16, code >> 8, code} {
		v := float64(part&0xff) / 255
		if c[i] = math.Pow((v+0.055)/1.055, 2.4); v <= 0.04045 {
			c[i] = v / 12.92
		}
	}
	return c
}

// cube is one of the palette of 256 that no terminal changes.
func cube(n int) rgb {
	if n >= 232 {
		grey := uint32(8 + 10*(n-232))
		return colour(grey<<16 | grey<<8 | grey)
	}
	level := func(v int) uint32 { return uint32(min(v, 1)*55 + 40*v) }
	n -= 16
	return colour(level(n/36)<<16 | level(n/6%6)<<8 | level(n%6))
}

// contrast is the ratio of WCAG 2.
func contrast(a, b rgb) float64 {
	light := func(c rgb) float64 { return 0.2126*c[0] + 0.7152*c[1] + 0.0722*c[2] + 0.05 }
	return max(light(a), light(b)) / min(light(a), light(b))
}

// inks reads the numbers of the colours a role is drawn with.
func inks(th theme.Theme, role theme.Role) (ink, ground int) {
	if n, _ := fmt.Sscanf(th.Paint(role, "x"), "\x1b[1;38;5;%d;48;5;%dmx", &ink, &ground); n == 0 {
		return -1, -1
	}
	return ink, ground
}

// Text that cannot be read at three in the morning is not there.
func TestEveryInkCanBeRead(t *testing.T) {
	t.Parallel()

	black, white := colour(0), colour(0xffffff)
	for _, o := range []theme.Options{{Color: true}, {Color: true, Light: true}, {Color: true, Contrast: true}, {Color: true, Contrast: true, Light: true}} {
		th, least := theme.New(o), 4.5
		if o.Contrast {
			least = 7
		}
		paper := black
		if o.Light {
			paper = white
		}
		for _, role := range []theme.Role{theme.Head, theme.Warn, theme.Crit} {
			ink, _ := inks(th, role)
			ratio := contrast(cube(ink), paper)
			t.Logf("%+v role %d: %.1f", o, role, ratio)
			require.GreaterOrEqual(t, ratio, least, "%+v: role %d", o, role)
		}
		for _, role := range []theme.Role{theme.Badge, theme.Production} {
			ink, ground := inks(th, role)
			require.GreaterOrEqual(t, contrast(cube(ink), cube(ground)), least, "%+v: badge %d", o, role)
		}
	}
}

// Every twelfth man sees no green: what is bad must not look to him like what is
// worth a look (Machado 2009, deuteranopia).
func TestStatesDifferWithoutGreen(t *testing.T) {
	t.Parallel()

	seen := func(c rgb) (s rgb) {
		for i, row := range [3]rgb{{0.367, 0.861, -0.228}, {0.280, 0.673, 0.047}, {-0.012, 0.043, 0.969}} {
			s[i] = row[0]*c[0] + row[1]*c[1] + row[2]*c[2]
		}
		return s
	}
	distance := func(a, b rgb) float64 { return math.Hypot(math.Hypot(a[0]-b[0], a[1]-b[1]), a[2]-b[2]) }
	for _, o := range []theme.Options{{Color: true}, {Color: true, Light: true}} {
		var all []rgb
		for _, role := range []theme.Role{theme.Head, theme.Warn, theme.Crit} {
			ink, _ := inks(theme.New(o), role)
			all = append(all, seen(cube(ink)))
		}
		for i, a := range all {
			for _, b := range all[:i] {
				require.Greater(t, distance(a, b), 0.1, "%+v", o)
			}
		}
	}
}
