package mfa

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/futakagi/futakagi/templates"
)

// rfcSeed is the secret of the vectors in both RFCs.
var rfcSeed = []byte("12345678901234567890")

// RFC 4226 appendix D.
func TestTOTPCodeCounters(t *testing.T) {
	for counter, want := range []string{
		"755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489",
	} {
		if got, err := totpCode(rfcSeed, int64(counter)); got != want || err != nil {
			t.Errorf("totpCode(%d) = %q, %v; want %q", counter, got, err, want)
		}
	}
}

// RFC 6238 appendix B, the rows with SHA-1. A code of six digits is the end of the one of eight.
func TestMatchTOTPVectors(t *testing.T) {
	for _, tt := range []struct {
		unix, step int64
		eight      string
	}{
		{59, 0x1, "94287082"},
		{1111111109, 0x23523EC, "07081804"},
		{1111111111, 0x23523ED, "14050471"},
		{1234567890, 0x273EF07, "89005924"},
		{2000000000, 0x3F940AA, "69279037"},
		{20000000000, 0x27BC86AA, "65353130"},
	} {
		now, code := time.Unix(tt.unix, 0), tt.eight[2:]
		if got := totpStep(now); got != tt.step {
			t.Errorf("totpStep(%d) = %#x, want %#x", tt.unix, got, tt.step)
		}
		if step, ok := matchTOTP(rfcSeed, code, 0, now); !ok || step != tt.step {
			t.Errorf("matchTOTP(%q at %d) = %#x, %t; want %#x", code, tt.unix, step, ok, tt.step)
		}
		if _, ok := matchTOTP(rfcSeed, tt.eight, 0, now); ok {
			t.Errorf("%q has eight digits and was accepted", tt.eight)
		}
	}
}

// A code is good from the beginning of the step before its own to the end of the step after it, to the microsecond.
func TestI4_TOTPWindowEdges(t *testing.T) {
	const step = 58_000_000
	code := reference(rfcSeed, step)
	begin := time.Unix(step*totpPeriod, 0)
	for _, tt := range []struct {
		name string
		now  time.Time
		want bool
	}{
		{"a microsecond too early", begin.Add(-30*time.Second - time.Microsecond), false},
		{"the app is one step ahead", begin.Add(-30 * time.Second), true},
		{"the last moment before", begin.Add(-time.Microsecond), true},
		{"begins", begin, true},
		{"ends", begin.Add(30*time.Second - time.Microsecond), true},
		{"the app is one step behind", begin.Add(30 * time.Second), true},
		{"the last moment", begin.Add(60*time.Second - time.Microsecond), true},
		{"too late", begin.Add(60 * time.Second), false},
		{"another zone", begin.In(time.FixedZone("JST", 9*60*60)), true},
	} {
		got, ok := matchTOTP(rfcSeed, code, 0, tt.now)
		if ok != tt.want || ok && got != step {
			t.Errorf("%s: step %d, %t; want %t", tt.name, got, ok, tt.want)
		}
	}
}

func TestI4_TOTPOnlyForward(t *testing.T) {
	const step = 58_000_000
	now := time.Unix(step*totpPeriod+12, 0)
	for _, tt := range []struct {
		name string
		step int64 // of the code
		last int64
		want bool
	}{
		{"first", step, 0, true},
		{"the same again", step, step, false},
		{"the one before, after a newer one", step - 1, step, false},
		{"the one before, never used", step - 1, step - 2, true},
		{"the next one, by a fast clock", step + 1, step, true},
		{"the next one again", step + 1, step + 1, false},
		{"after the next one", step, step + 1, false},
		{"a step that never was", step, 1 << 62, false},
	} {
		got, ok := matchTOTP(rfcSeed, reference(rfcSeed, tt.step), tt.last, now)
		if ok != tt.want || ok && got != tt.step {
			t.Errorf("%s: step %d, %t; want %t", tt.name, got, ok, tt.want)
		}
	}
}

// Two neighbouring steps may have the same code. It is then accepted once for both.
func TestI4_TOTPSameCodeInTwoSteps(t *testing.T) {
	const step = 910737
	code := reference(rfcSeed, step)
	if next := reference(rfcSeed, step+1); code != next {
		t.Fatalf("codes %s and %s", code, next)
	}
	now := time.Unix(step*totpPeriod, 0)
	got, ok := matchTOTP(rfcSeed, code, 0, now)
	if !ok || got != step+1 {
		t.Fatalf("step %d, %t; want %d", got, ok, step+1)
	}
	if _, ok := matchTOTP(rfcSeed, code, got, now.Add(totpPeriod*time.Second)); ok {
		t.Error("accepted twice")
	}
}

// Whatever is typed when, the accepted steps go forward, each lies within one of the time, and each is its code's.
func TestI4_TOTPProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.SliceOfN(rapid.Byte(), totpSeedSize, 64).Draw(t, "seed")
		now := time.Unix(rapid.Int64Range(1<<30, 1<<35).Draw(t, "start"), 0)
		last := int64(0)
		used := map[int64]bool{}
		t.Repeat(map[string]func(*rapid.T){
			"wait": func(t *rapid.T) {
				now = now.Add(time.Duration(rapid.Int64Range(0, 45_000_000).Draw(t, "microseconds")) * time.Microsecond)
			},
			"type": func(t *rapid.T) {
				code := reference(seed, totpStep(now)+rapid.Int64Range(-3, 3).Draw(t, "drift"))
				if rapid.IntRange(0, 9).Draw(t, "guess") == 0 {
					code = rapid.StringMatching(`[0-9]{6}`).Draw(t, "code")
				}
				want, possible := int64(0), false
				for s := max(last, totpStep(now)-2) + 1; s <= totpStep(now)+1; s++ {
					if reference(seed, s) == code {
						want, possible = s, true
					}
				}
				step, ok := matchTOTP(seed, code, last, now)
				if step != want || ok != possible {
					t.Fatalf("step %d, %t; want %d, %t", step, ok, want, possible)
				}
				if !ok {
					return
				}
				if used[step] || step <= last {
					t.Fatalf("step %d after %d", step, last)
				}
				last, used[step] = step, true
			},
		})
	})
}

func FuzzMatchTOTP(f *testing.F) {
	f.Add("287082", int64(0), int64(59))
	f.Add("287082", int64(1), int64(59))
	f.Add("287082 ", int64(0), int64(59))
	f.Add("２８７０８２", int64(0), int64(59))
	f.Add("94287082", int64(-1), int64(-1))
	f.Add("", int64(1)<<62, int64(1)<<62)
	f.Fuzz(func(t *testing.T, typed string, last, unix int64) {
		now := time.Unix(unix, 0)
		right := reference(rfcSeed, totpStep(now))
		for _, code := range []string{typed, right + typed, typed + right, right[:3] + typed + right[3:]} {
			step, ok := matchTOTP(rfcSeed, code, last, now)
			if !ok {
				continue
			}
			if len(code) != 6 || strings.Trim(code, "0123456789") != "" {
				t.Errorf("%q was accepted", code)
			}
			if step <= last || step < totpStep(now)-1 || step > totpStep(now)+1 || code != reference(rfcSeed, step) {
				t.Errorf("%q at %d after %d: step %d", code, unix, last, step)
			}
		}
	})
}

func TestMatchTOTPWithoutSeed(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	for _, seed := range [][]byte{nil, {}, make([]byte, totpSeedSize-1)} {
		if _, ok := matchTOTP(seed, reference(seed, totpStep(now)), 0, now); ok {
			t.Errorf("a seed of %d bytes accepts codes", len(seed))
		}
	}
}

// reference is RFC 4226 section 5.3 once more.
func reference(seed []byte, step int64) string {
	mac := hmac.New(sha1.New, seed)
	_ = binary.Write(mac, binary.BigEndian, step)
	sum := mac.Sum(nil)
	offset := sum[19] & 0xf
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[offset:offset+4])&0x7fffffff%1_000_000)
}

func TestNewTOTPSeed(t *testing.T) {
	a, b := newTOTPSeed(), newTOTPSeed()
	if len(a) != 20 || bytes.Equal(a, b) {
		t.Errorf("seeds %x and %x", a, b)
	}
}

func TestTypedSeed(t *testing.T) {
	const want = "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ"
	if got := typedSeed(rfcSeed); got != want {
		t.Errorf("typedSeed = %q, want %q", got, want)
	}
}

func TestTOTPURI(t *testing.T) {
	const tail = "?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer="
	for _, tt := range []struct{ issuer, account, label, param string }{
		{"Aoba", "tanaka", "Aoba:tanaka", "Aoba"},
		{"青葉 ショップ", "tanaka", "%E9%9D%92%E8%91%89%20%E3%82%B7%E3%83%A7%E3%83%83%E3%83%97:tanaka", "%E9%9D%92%E8%91%89%20%E3%82%B7%E3%83%A7%E3%83%83%E3%83%97"},
		{"A&B=C+D?#/%", "t@example.jp", "A%26B%3DC%2BD%3F%23%2F%25:t%40example.jp", "A%26B%3DC%2BD%3F%23%2F%25"},
		{"Aoba: East", "a:b", "Aoba%EF%BC%9A%20East:a%EF%BC%9Ab", "Aoba%EF%BC%9A%20East"},
		{"bad\xffbytes", "x", "bad%EF%BF%BDbytes:x", "bad%EF%BF%BDbytes"},
		{strings.Repeat("a", 50), strings.Repeat("b", 70), strings.Repeat("a", 40) + ":" + strings.Repeat("b", 64), strings.Repeat("a", 40)},
	} {
		want := "otpauth://totp/" + tt.label + tail + tt.param + "&digits=6&period=30"
		if got := totpURI(rfcSeed, tt.issuer, tt.account); got != want {
			t.Errorf("totpURI(%q, %q)\n= %s\nwant %s", tt.issuer, tt.account, got, want)
		} else if _, err := url.Parse(got); err != nil {
			t.Error(err)
		}
	}
}

// The path is nothing but runs, inside an empty border; the three big corner patterns are where a camera looks for them.
func TestDrawQR(t *testing.T) {
	code, err := drawQR(totpURI(rfcSeed, "Aoba アカウント", "tanaka"))
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`^(M\d+ \d+h\d+v1h-\d+z)+$`).MatchString(code.Path) {
		t.Errorf("path %.80q", code.Path)
	}
	rows := modules(t, code)
	finder := []string{"1111111", "1000001", "1011101", "1011101", "1011101", "1000001", "1111111"}
	for _, corner := range [][2]int{{4, 4}, {len(rows) - 11, 4}, {4, len(rows) - 11}} {
		var got []string
		for _, row := range rows[corner[1] : corner[1]+7] {
			got = append(got, row[corner[0]:corner[0]+7])
		}
		if diff := cmp.Diff(finder, got); diff != "" {
			t.Errorf("corner at %v:\n%s", corner, diff)
		}
	}
	for y, row := range rows {
		inside := y >= 4 && y < len(rows)-4
		if border := row[:4] + row[len(row)-4:]; strings.Contains(border, "1") || !inside && strings.Contains(row, "1") {
			t.Errorf("row %d reaches into the border: %s", y, row)
		}
	}
	if _, err := drawQR(strings.Repeat("x", 3000)); err == nil {
		t.Error("more was drawn than a QR code holds")
	}
}

// modules turns the path back into rows of '1' for dark and '0' for light.
func modules(t *testing.T, code templates.QRCode) []string {
	t.Helper()
	grid := make([][]byte, code.Size)
	for y := range grid {
		grid[y] = bytes.Repeat([]byte{'0'}, code.Size)
	}
	for _, m := range regexp.MustCompile(`M(\d+) (\d+)h(\d+)v1h-(\d+)z`).FindAllStringSubmatch(code.Path, -1) {
		var n [4]int
		for i := range n {
			n[i], _ = strconv.Atoi(m[i+1])
		}
		if n[2] != n[3] {
			t.Fatalf("the run %q does not close", m[0])
		}
		for x := n[0]; x < n[0]+n[2]; x++ {
			if grid[n[1]][x] == '1' {
				t.Fatalf("the run %q covers another", m[0])
			}
			grid[n[1]][x] = '1'
		}
	}
	rows := make([]string, len(grid))
	for y, row := range grid {
		rows[y] = string(row)
	}
	return rows
}

// node returns a command that runs one of the programs in testdata/node, or skips the test aloud.
func node(t *testing.T, script string) *exec.Cmd {
	t.Helper()
	missing := func(what string) {
		if os.Getenv("FUTAKAGI_TEST_NODE") == "1" {
			t.Fatal(what)
		}
		t.Skip("NOT TESTED WITH otpauth: " + what)
	}
	program, err := exec.LookPath("node")
	if err != nil {
		missing("no node found: install the package nodejs (Debian)")
	}
	dir, err := filepath.Abs("testdata/node")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "node_modules", "otpauth")); err != nil {
		missing("the libraries are not installed: run npm ci --prefix mfa/testdata/node")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, program, script)
	cmd.Dir = dir
	cmd.Stderr = t.Output()
	return cmd
}

// TestTOTPInterop photographs our QR codes, hands what they say to another implementation's app, and accepts its codes.
func TestTOTPInterop(t *testing.T) {
	type screen struct {
		Rows  []string `json:"rows"`
		Times []int64  `json:"times"`
	}
	type app struct {
		URI       string   `json:"uri"`
		Issuer    string   `json:"issuer"`
		Account   string   `json:"account"`
		Secret    string   `json:"secret"`
		Algorithm string   `json:"algorithm"`
		Digits    int      `json:"digits"`
		Period    int      `json:"period"`
		Codes     []string `json:"codes"`
	}
	cmd := node(t, "authenticator.mjs")

	times := []int64{59, 1111111109, 1111111111, 1767225599, 1767225600, 1767225629, 1767225630, 2000000000, 4102444800, 20000000000}
	var seeds [][]byte
	var screens []screen
	var want []app
	for _, names := range [][2]string{
		{"Aoba", "tanaka"},
		{"Aoba アカウント", "tanaka@example.jp"},
		{"青葉 認証センター", "田中 太郎"},
		{"A&B=C+D?#/%", "x y+z"},
		{"Aoba: East", "store:7"},
		{strings.Repeat("青葉", 20), strings.Repeat("a", 64)}, // the longest
	} {
		for range 5 {
			seed := newTOTPSeed()
			uri := totpURI(seed, names[0], names[1])
			code, err := drawQR(uri)
			if err != nil {
				t.Fatal(err)
			}
			seeds = append(seeds, seed)
			screens = append(screens, screen{Rows: modules(t, code), Times: times})
			want = append(want, app{
				URI: uri, Issuer: strings.ReplaceAll(names[0], ":", "："), Account: strings.ReplaceAll(names[1], ":", "："),
				Secret: strings.ReplaceAll(typedSeed(seed), " ", ""), Algorithm: "SHA1", Digits: 6, Period: 30,
			})
		}
	}
	input, err := json.Marshal(screens)
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdin = bytes.NewReader(input)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var got []app
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	if len(got) != len(want) {
		t.Fatalf("%d answers, want %d", len(got), len(want))
	}
	for i, seed := range seeds {
		codes := got[i].Codes
		got[i].Codes = nil
		if diff := cmp.Diff(want[i], got[i]); diff != "" {
			t.Errorf("screen %d:\n%s", i, diff)
		}
		if len(codes) != len(times) {
			t.Fatalf("%d codes, want %d", len(codes), len(times))
		}
		for k, code := range codes {
			// The clocks agree, then ours is a period behind, then a period ahead. With the step before its own as the last one
			// accepted, a code that two steps share means this one.
			for _, drift := range []int64{0, -totpPeriod, totpPeriod} {
				now, own := time.Unix(times[k]+drift, 0), times[k]/totpPeriod
				step, ok := matchTOTP(seed, code, own-1, now)
				if !ok || step != own && code != reference(seed, step) {
					t.Errorf("code %q of %d at %d: step %d, %t; want %d", code, times[k], now.Unix(), step, ok, own)
				}
			}
		}
	}
}
