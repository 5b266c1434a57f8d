package mfa

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base32"
	"fmt"
	"image/color"
	"net/url"
	"strings"
	"time"

	"github.com/boombuler/barcode/qr"
	"github.com/pquerna/otp/hotp"

	"github.com/futakagi/futakagi/templates"
)

// Time-based codes (RFC 6238) with the parameters that every authenticator app knows: SHA-1, six digits, 30 seconds. Several
// apps take no notice of others in a QR code and would show wrong codes for ever.
const (
	totpPeriod = 30
	// totpSeedSize is 160 bits (RFC 4226 section 4, R6).
	totpSeedSize = 20
	// totpDrift is how many steps an app's clock may be before or behind ours (RFC 6238 section 5.2).
	totpDrift = 1
)

// newTOTPSeed draws the secret that an authenticator app and this service share.
func newTOTPSeed() []byte {
	seed := make([]byte, totpSeedSize)
	_, _ = rand.Read(seed) // never fails: the runtime stops the program instead
	return seed
}

// totpStep is the number of the period that a time falls into, the counter of RFC 6238 section 4.2.
func totpStep(now time.Time) int64 { return now.Unix() / totpPeriod }

// totpCode is the code that an app shows during a step.
func totpCode(seed []byte, step int64) (string, error) {
	code, err := hotp.GenerateCode(base32Seed(seed), uint64(step))
	if err != nil {
		return "", fmt.Errorf("generate code: %w", err)
	}
	return code, nil
}

// matchTOTP finds the step that a code belongs to: one that is not more than totpDrift from now, and later than last, the
// factor's last accepted one, so that no code is good twice and none that is older than an accepted one is good at all (I4).
// The code is the six digits that NormalizeCode gives; anything else matches nothing. Ok is false when no step fits. Whoever
// calls it must still win the step in the database, for two requests may find the same one.
func matchTOTP(seed []byte, code string, last int64, now time.Time) (step int64, ok bool) {
	// A seed that got lost must not become one that everybody knows.
	if len(seed) < totpSeedSize || len(code) != codeDigits || strings.Trim(code, "0123456789") != "" {
		return 0, false
	}
	middle := totpStep(now)
	// Every step is compared, whatever the others gave. Of two steps with the same code the later counts: the code is then used
	// up for both.
	for s := middle - totpDrift; s <= middle+totpDrift; s++ {
		want, err := totpCode(seed, s)
		if err != nil {
			return 0, false
		}
		if subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 && s > last {
			step, ok = s, true
		}
	}
	return step, ok
}

func base32Seed(seed []byte) string {
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(seed)
}

// typedSeed is the seed as a person types it into an app: base32 in groups of four.
func typedSeed(seed []byte) string {
	var b strings.Builder
	for i, r := range base32Seed(seed) {
		if i > 0 && i%4 == 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// totpURI is the address that a QR code or a link hands to an authenticator app, in the form that Google Authenticator began
// and the others read. Issuer and account are what the app shows beside its codes.
func totpURI(seed []byte, issuer, account string) string {
	// What an app has room for; and the QR code must stay coarse enough for a camera.
	const maxIssuer, maxAccount = 40, 64
	issuer, account = uriName(issuer, maxIssuer), uriName(account, maxAccount)
	// The issuer stands there twice: old apps know the one before the colon alone, new ones tell accounts apart by the parameter.
	return "otpauth://totp/" + issuer + ":" + account +
		"?secret=" + base32Seed(seed) + "&issuer=" + issuer + fmt.Sprintf("&digits=%d&period=%d", codeDigits, totpPeriod)
}

// uriName encodes one of the two names. A colon parts them even when it is encoded, because apps decode first, so that one
// inside a name is written full width. A space is %20, because apps show a plus sign as one.
func uriName(name string, longest int) string {
	runes := []rune(strings.ReplaceAll(strings.ToValidUTF8(name, "\ufffd"), ":", "："))
	return strings.ReplaceAll(url.QueryEscape(string(runes[:min(longest, len(runes))])), "+", "%20")
}

// drawQR draws a text as a QR code that survives 15 % of damage (level M).
func drawQR(text string) (templates.QRCode, error) {
	// The empty border that a camera needs (ISO/IEC 18004 section 9.1).
	const quiet = 4
	code, err := qr.Encode(text, qr.M, qr.Unicode)
	if err != nil {
		return templates.QRCode{}, fmt.Errorf("draw QR code: %w", err)
	}
	size := code.Bounds().Dx()
	dark := func(x, y int) bool { return x < size && code.At(x, y) == color.Black }
	var path strings.Builder
	for y := range size {
		for x := 0; x < size; x++ {
			from := x
			for dark(x, y) {
				x++
			}
			if run := x - from; run > 0 {
				fmt.Fprintf(&path, "M%d %dh%dv1h-%dz", from+quiet, y+quiet, run, run)
			}
		}
	}
	return templates.QRCode{Size: size + 2*quiet, Path: path.String()}, nil
}
