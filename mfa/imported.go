package mfa

import (
	"context"
	"encoding/base32"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/futakagi/futakagi/internal/seal"
	"github.com/futakagi/futakagi/signin"
	"github.com/futakagi/futakagi/store"
)

// Imports has the rules of second factors that another system proved. Unlike [Service] it needs no outbox and may be without a
// key, as the command line can be.
type Imports struct {
	// Countries are those whose mobile numbers may be used. A number without a country's code belongs to the first.
	Countries []string
	// Box seals the seeds of apps; nil where there is no key, which takes no seeds.
	Box *seal.Box
	// CheckHash says whether a hash of a backup code can be checked here.
	CheckHash func(hash string) error
	// ForeignCodes brings hashes of backup codes that other systems made to forms that can be checked here. It fails with
	// [ErrCodesCost] for those that are too slow to check, and with another error for those it cannot read.
	ForeignCodes func(texts []string) ([]string, error)
	// HashCodes makes hashes of codes, and CheckCode finds the hash of one: see [Config].
	HashCodes func(ctx context.Context, codes []string) ([]string, error)
	CheckCode func(ctx context.Context, hashes, spellings []string) (index int, err error)
	// Note is [Service.NoteImport]; nil where nobody can be told anything.
	Note func(ctx context.Context, tx *store.Tx, now time.Time, acc store.Account, p ImportPlan) error
}

// ErrCodesCost says that it would take too long to check the backup codes of an account.
var ErrCodesCost = errors.New("backup codes cost too much to check")

// ImportedText is what a record says of second factors.
type ImportedText struct {
	Factors []ImportedFactorText
	// Seed is that of the factor that is an app, in base32.
	Seed string
	// Codes are hashes of backup codes, with spaces between them, PlainCodes such codes themselves.
	Codes, PlainCodes string
}

// ImportedFactorText is one factor of it, main one first. VerifiedAt was read by the caller and is zero if there is none.
type ImportedFactorText struct {
	Method, Address string
	VerifiedAt      time.Time
}

// Imported is an [ImportedText] that was checked.
type Imported struct {
	Factors []ImportedFactor
	Codes   []ImportedCode
	// Plain are codes that are still to be hashed: see [Imports.Hash].
	Plain []string
}

// ImportedFactor is one factor of a record.
type ImportedFactor struct {
	Method     signin.Method
	Address    string
	Seed       []byte // nil: the record has none
	VerifiedAt time.Time
}

// ImportedCode is one backup code of a record. Its hash is empty while it would be made first.
type ImportedCode struct{ Selector, Hash string }

// The parts of an [ImportedText] that can be wrong.
const (
	PartMethod     = "method"
	PartAddress    = "address"
	PartVerifiedAt = "verified_at"
	PartSeed       = "totp_secret"
	PartCodes      = "backup_code_hashes"
	PartPlainCodes = "backup_codes"
)

// What is wrong with a part: keys of sentences in the catalogue.
const (
	ReasonMethod      = "import.reason_method"
	ReasonMethodTwice = "import.reason_method_twice"
	ReasonNoMethod    = "import.reason_no_method"
	ReasonAddress     = "import.reason_address"
	ReasonNoAddress   = "import.reason_no_address"
	ReasonPhone       = "import.reason_phone"
	ReasonCountry     = "import.reason_country"
	ReasonUnverified  = "import.reason_unverified"
	ReasonSeed        = "import.reason_seed"
	ReasonSeedShort   = "import.reason_seed_short"
	ReasonSeedMissing = "import.reason_seed_missing"
	ReasonSeedAlone   = "import.reason_seed_alone"
	ReasonNoKey       = "import.reason_no_key"
	ReasonCodes       = "import.reason_codes"
	ReasonCodesCost   = "import.reason_codes_cost"
	ReasonPlainCodes  = "import.reason_plain_codes"
)

// ImportProblem is something wrong with a part of an [ImportedText]; Factor is which one, where the part belongs to one.
type ImportProblem struct {
	Part   string
	Factor int
	Reason string
}

// maxImportedCodes is how many backup codes an account can bring.
const maxImportedCodes = 20

// maxSeed is more than any app keeps, in bytes.
const maxSeed = 128

// Check says everything that is wrong with an [ImportedText]. A factor without the time at which it was proved was not proved.
func (i Imports) Check(in ImportedText) (Imported, []ImportProblem) {
	var out Imported
	var found []ImportProblem
	app := -1
	for n, text := range in.Factors {
		refuse := func(part, reason string) { found = append(found, ImportProblem{Part: part, Factor: n, Reason: reason}) }
		if text.Method == "" {
			if text.Address != "" || !text.VerifiedAt.IsZero() {
				refuse(PartMethod, ReasonNoMethod)
			}
			continue
		}
		f := ImportedFactor{VerifiedAt: text.VerifiedAt}
		var part, reason string
		f.Method, f.Address, part, reason = i.address(text)
		if reason != "" {
			refuse(part, reason)
		}
		if text.VerifiedAt.IsZero() {
			refuse(PartVerifiedAt, ReasonUnverified)
		}
		if f.Method != "" && slices.ContainsFunc(out.Factors, func(o ImportedFactor) bool { return o.Method == f.Method }) {
			refuse(PartMethod, ReasonMethodTwice)
		}
		if f.Method == signin.TOTP {
			app = len(out.Factors)
		}
		out.Factors = append(out.Factors, f)
	}
	if in.Seed != "" {
		seed, reason := parseSeed(in.Seed)
		switch {
		case reason == "" && app < 0:
			reason = ReasonSeedAlone
		case reason == "" && i.Box == nil:
			reason = ReasonNoKey
		}
		if reason != "" {
			found = append(found, ImportProblem{Part: PartSeed, Reason: reason})
		} else {
			out.Factors[app].Seed = seed
		}
	}
	var reason string
	if out.Codes, reason = i.codes(in.Codes); reason != "" {
		found = append(found, ImportProblem{Part: PartCodes, Reason: reason})
	}
	if out.Plain, reason = plainCodes(in.PlainCodes); reason != "" || len(out.Plain)+len(out.Codes) > maxImportedCodes {
		found = append(found, ImportProblem{Part: PartPlainCodes, Reason: ReasonPlainCodes})
	}
	return out, found
}

// address reads method and address of a factor.
func (i Imports) address(in ImportedFactorText) (method signin.Method, address, part, reason string) {
	switch strings.ToLower(in.Method) {
	case "email":
		address, err := ParseEmail(in.Address)
		switch {
		case errors.Is(err, ErrEmailBlank):
			return signin.Email, "", PartAddress, ReasonNoAddress
		case err != nil:
			return signin.Email, "", PartAddress, ReasonAddress
		}
		return signin.Email, address, "", ""
	case "sms":
		number, err := ParsePhone(i.Countries[0], in.Address, i.Countries)
		switch {
		case errors.Is(err, ErrPhoneBlank):
			return signin.SMS, "", PartAddress, ReasonNoAddress
		case errors.Is(err, ErrPhoneCountry):
			return signin.SMS, "", PartAddress, ReasonCountry
		case err != nil:
			return signin.SMS, "", PartAddress, ReasonPhone
		}
		return signin.SMS, number, "", ""
	case "app", "totp":
		if in.Address != "" {
			return signin.TOTP, "", PartAddress, ReasonAddress
		}
		return signin.TOTP, "", "", ""
	}
	return "", "", PartMethod, ReasonMethod
}

// ImportedMethod is how a file calls a method; empty for one that cannot be moved, as a passkey belongs to its domain.
func ImportedMethod(method signin.Method) string {
	switch method {
	case signin.Email, signin.SMS:
		return string(method)
	case signin.TOTP:
		return "app"
	default:
		return ""
	}
}

// parseSeed reads the seed of an app as apps and shops write it: base32, in either case, with or without padding and groups.
func parseSeed(text string) (seed []byte, reason string) {
	text = strings.TrimRight(strings.ToUpper(strings.NewReplacer(" ", "", "-", "").Replace(text)), "=")
	seed, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(text)
	switch {
	case err != nil || len(seed) > maxSeed:
		return nil, ReasonSeed
	case len(seed) < totpSeedSize:
		return nil, ReasonSeedShort
	}
	return seed, ""
}
