package account

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/bits"
	"strconv"
	"strings"
)

// djangoBcrypt names bcrypt over SHA-256, in Django's spelling and ours.
const djangoBcrypt = "bcrypt_sha256$"

// ParseImportedHash reads a password hash as another system wrote it, and returns it in the one spelling in which we store its
// kind, with a name of the format for a report. What others write in spellings of their own becomes:
//
//	argon2$argon2id$…              Django     $argon2id$v=19$m=…,t=…,p=…$salt$key
//	bcrypt$$2b$…                   Django     $2b$…
//	bcrypt_sha256$$2b$…            Django     as it is
//	scrypt$N$salt$r$p$key          Django     $scrypt$ln=…,r=…,p=…$salt$key
//	pbkdf2_sha256$n$salt$key       Django     $pbkdf2-sha256$n$salt$key
//	pbkdf2_sha1$n$salt$key         Django     $pbkdf2$n$salt$key
//	{"secretData":…}               Keycloak   $pbkdf2…$ or $argon2…$, by its algorithm
//	Base64 of 0x01… or 0x00…       ASP.NET    $pbkdf2…$n$salt$key
//	{SSHA256}… and {SSHA512}…      LDAP       as they are, in capitals
//
// The Keycloak form is a credential of its export on one line, with secretData and credentialData. $argon2id$, $argon2i$,
// $argon2d$, $2a$, $2b$, $2y$ (PHP, Laravel), $scrypt$, $pbkdf2$, $pbkdf2-sha256$, $pbkdf2-sha512$ (passlib) and phpass ($P$,
// $H$) stay as they are.
//
// It fails with [ErrHash] and a reason that holds nothing of the hash. What it lets pass can still be too dear for an
// installation, which [Service.ImportHash] looks at too.
func ParseImportedHash(text string) (canonical PasswordHash, format string, err error) {
	text = strings.TrimSpace(text)
	if len(text) > 4*maxHashText {
		return "", "", refuse("too long")
	}
	form, format, err := translate(text)
	if err != nil {
		return "", "", err
	}
	if _, err := decode(form); err != nil {
		return "", "", err
	}
	return PasswordHash(form), format, nil
}

// ImportHash is [ParseImportedHash] for a hash that is to be stored here: it also refuses, with [ErrHash], what would cost more
// memory or time to check than this installation allows.
func (s *Service) ImportHash(text string) (canonical PasswordHash, format string, err error) {
	canonical, format, err = ParseImportedHash(text)
	if err != nil {
		return "", "", err
	}
	if _, err := s.hasher.parse(string(canonical)); err != nil {
		return "", "", err
	}
	return canonical, format, nil
}

// translate brings a hash to our spelling of its kind and names its format. It checks no more than it needs to.
func translate(text string) (form, format string, err error) {
	parts := strings.Split(text, "$")
	switch {
	case strings.HasPrefix(text, "{\""):
		return fromKeycloak(text)
	case strings.HasPrefix(text, "{"):
		scheme, rest, _ := strings.Cut(text, "}")
		return strings.ToUpper(scheme) + "}" + rest, "salted SHA-2", nil
	case len(parts) == 1:
		return fromASPNET(text)
	case parts[0] != "":
		return fromDjango(text, parts)
	}
	switch parts[1] {
	case "2a", "2b", "2y":
		return text, "bcrypt", nil
	case "P", "H":
		return text, "phpass", nil
	case "argon2id", "argon2i", "argon2d", "scrypt", "pbkdf2", "pbkdf2-sha256", "pbkdf2-sha512":
		return text, parts[1], nil
	}
	return "", "", refuse("unknown form")
}

// fromDjango reads what Django's hashers write: their name, and fields between dollar signs in which the salt is plain text.
func fromDjango(text string, parts []string) (form, format string, err error) {
	name, rest, _ := strings.Cut(text, "$")
	switch {
	case name == "argon2", name == "bcrypt":
		return "$" + strings.TrimPrefix(rest, "$"), "Django " + name, nil
	case name+"$" == djangoBcrypt:
		return text, "Django " + name, nil
	case name == "pbkdf2_sha256" && len(parts) == 4:
		form, err = pbkdf2Form("-sha256", parts[1], []byte(parts[2]), parts[3])
	case name == "pbkdf2_sha1" && len(parts) == 4:
		form, err = pbkdf2Form("", parts[1], []byte(parts[2]), parts[3])
	case name == "scrypt" && len(parts) == 6:
		form, err = scryptForm(parts[1], []byte(parts[2]), parts[3], parts[4], parts[5])
	default:
		return "", "", refuse("unknown form")
	}
	return form, "Django " + name, err
}

// pbkdf2Form writes the modular form. The key is base64 of the usual kind, which the form is not.
func pbkdf2Form(digest, iterations string, salt []byte, key string) (string, error) {
	raw, err := base64.StdEncoding.DecodeString(key)
	if err != nil {
		return "", refuse("pbkdf2 key is not base64")
	}
	encode := func(b []byte) string {
		return strings.ReplaceAll(base64.RawStdEncoding.EncodeToString(b), "+", ".")
	}
	return "$pbkdf2" + digest + "$" + iterations + "$" + encode(salt) + "$" + encode(raw), nil
}

func scryptForm(cost string, salt []byte, r, p, key string) (string, error) {
	n, err := strconv.ParseUint(cost, 10, 32)
	if err != nil || bits.OnesCount64(n) != 1 {
		return "", refuse("scrypt parameters out of range")
	}
	raw, err := base64.StdEncoding.DecodeString(key)
	if err != nil {
		return "", refuse("scrypt key is not base64")
	}
	encode := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$scrypt$ln=%d,r=%s,p=%s$%s$%s", bits.TrailingZeros64(n), r, p, encode(salt), encode(raw)), nil
}

// fromASPNET reads what ASP.NET Core Identity writes: base64 of a version, and PBKDF2's figures, salt and key in binary.
func fromASPNET(text string) (form, format string, err error) {
	raw, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || len(raw) < 13 {
		return "", "", refuse("unknown form")
	}
	const header = 13
	encode := base64.StdEncoding.EncodeToString
	switch raw[0] {
	case 0: // version 2: SHA-1, 1000 iterations, 16 bytes of salt, 32 of key
		if len(raw) != 1+16+32 {
			return "", "", refuse("unknown form")
		}
		form, err = pbkdf2Form("", "1000", raw[1:17], encode(raw[17:]))
		return form, "ASP.NET Identity v2", err
	case 1:
		digest, salt := binary.BigEndian.Uint32(raw[1:]), binary.BigEndian.Uint32(raw[9:])
		digests := []string{"", "-sha256", "-sha512"}
		if int64(digest) >= int64(len(digests)) || int64(salt) > int64(len(raw)-header) {
			return "", "", refuse("unknown form")
		}
		iterations := strconv.FormatUint(uint64(binary.BigEndian.Uint32(raw[5:])), 10)
		form, err = pbkdf2Form(digests[digest], iterations, raw[header:header+salt], encode(raw[header+salt:]))
		return form, "ASP.NET Identity v3", err
	}
	return "", "", refuse("unknown form")
}

// keycloakCredential is a credential of Keycloak's export. Both data are JSON inside of a string.
type keycloakCredential struct {
	SecretData     string `json:"secretData"`
	CredentialData string `json:"credentialData"`
}

func fromKeycloak(text string) (form, format string, err error) {
	var credential keycloakCredential
	var secret struct {
		Value, Salt string
	}
	var data struct {
		HashIterations       int64
		Algorithm            string
		AdditionalParameters map[string][]string
	}
	// What is wrong with it is not said: the errors quote.
	if json.Unmarshal([]byte(text), &credential) != nil || json.Unmarshal([]byte(credential.SecretData), &secret) != nil ||
		json.Unmarshal([]byte(credential.CredentialData), &data) != nil {
		return "", "", refuse("Keycloak credential cannot be read")
	}
	salt, err := base64.StdEncoding.DecodeString(secret.Salt)
	if err != nil {
		return "", "", refuse("Keycloak salt is not base64")
	}
	switch data.Algorithm {
	case "pbkdf2", "pbkdf2-sha256", "pbkdf2-sha512":
		form, err = pbkdf2Form(strings.TrimPrefix(data.Algorithm, "pbkdf2"), strconv.FormatInt(data.HashIterations, 10), salt, secret.Value)
	case "argon2":
		form, err = keycloakArgon2(data.HashIterations, data.AdditionalParameters, salt, secret.Value)
	default:
		return "", "", refuse("Keycloak algorithm is not known")
	}
	return form, "Keycloak " + data.Algorithm, err
}

func keycloakArgon2(iterations int64, parameters map[string][]string, salt []byte, key string) (string, error) {
	one := func(name string) string {
		if values := parameters[name]; len(values) == 1 {
			return values[0]
		}
		return ""
	}
	kind := one("type")
	if one("version") != "1.3" || kind != "id" && kind != "i" && kind != "d" {
		return "", refuse("argon2 of another version")
	}
	raw, err := base64.StdEncoding.DecodeString(key)
	if err != nil {
		return "", refuse("argon2 key or salt cannot be read or is too short")
	}
	encode := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2%s$v=19$m=%s,t=%d,p=%s$%s$%s", kind, one("memory"), iterations, one("parallelism"),
		encode(salt), encode(raw)), nil
}

// ErrCodesCost says that the hashes of an account's backup codes would together take too long to check.
var ErrCodesCost = errors.New("backup codes cost too much to check")

// keycloakCodes are the recovery codes of an account in Keycloak's export. Its data are JSON inside of a string.
type keycloakCodes struct {
	Codes []struct {
		Value string `json:"encodedHashedValue"`
	} `json:"codes"`
}

// ImportCodes reads hashes of backup codes as another system wrote them: each in a form of [ParseImportedHash]; as SHA-2 without a
// salt, in hexadecimal or as {SHA256} and {SHA512} with Base64; or as Keycloak's credential of all recovery codes. Since such a code
// does not say which hash is its own, all of them are checked at each try: what that takes is bounded as one hash of a password is,
// or it fails with [ErrCodesCost]. It fails with [ErrHash] for what cannot be read.
func (s *Service) ImportCodes(texts []string) ([]string, error) {
	var forms []string
	for _, text := range texts {
		more, err := codeForms(text)
		if err != nil {
			return nil, err
		}
		forms = append(forms, more...)
	}
	var cost int64
	for _, form := range forms {
		p, err := s.hasher.parseCode(form)
		if err != nil {
			return nil, err
		}
		if cost += p.work; cost > s.hasher.ceiling() {
			return nil, ErrCodesCost
		}
	}
	return forms, nil
}

// codeForms brings a text to our spelling of the hashes in it.
func codeForms(text string) ([]string, error) {
	var credential keycloakCredential
	if json.Unmarshal([]byte(text), &credential) == nil && strings.Contains(credential.SecretData, `"codes"`) {
		return fromKeycloakCodes(credential)
	}
	if raw, err := hex.DecodeString(text); err == nil {
		return []string{fmt.Sprintf("{SHA%d}%s", 8*len(raw), base64.StdEncoding.EncodeToString(raw))}, nil
	}
	if scheme, rest, ok := strings.Cut(text, "}"); ok && (strings.EqualFold(scheme, "{sha256") || strings.EqualFold(scheme, "{sha512")) {
		return []string{strings.ToUpper(scheme) + "}" + rest}, nil
	}
	form, _, err := ParseImportedHash(text)
	return []string{string(form)}, err
}

// fromKeycloakCodes reads what is left of the recovery codes of an account: SHA-512 of each, or SHA-256 of old.
func fromKeycloakCodes(credential keycloakCredential) ([]string, error) {
	var secret keycloakCodes
	if json.Unmarshal([]byte(credential.SecretData), &secret) != nil {
		return nil, refuse("Keycloak recovery codes cannot be read")
	}
	forms := make([]string, 0, len(secret.Codes))
	for _, code := range secret.Codes {
		raw, err := base64.StdEncoding.DecodeString(code.Value)
		if err != nil {
			return nil, refuse("Keycloak recovery codes cannot be read")
		}
		forms = append(forms, fmt.Sprintf("{SHA%d}%s", 8*len(raw), base64.StdEncoding.EncodeToString(raw)))
	}
	return forms, nil
}

// HashCodes hashes backup codes as our own are: see [Hasher.HashAll].
func (s *Service) HashCodes(ctx context.Context, codes []string) ([]string, error) {
	return s.hasher.HashAll(ctx, codes)
}

// CheckCode is [Hasher.CheckCode].
func (s *Service) CheckCode(ctx context.Context, hashes, spellings []string) (int, error) {
	return s.hasher.CheckCode(ctx, hashes, spellings)
}
