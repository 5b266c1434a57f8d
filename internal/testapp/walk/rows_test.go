package walk_test

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"errors"
	"maps"
	"slices"

	"github.com/futakagi/futakagi/store"
)

// holding is what the database has of one account.
type holding struct {
	account  store.Account
	factors  map[string]store.Factor
	order    []string
	passkeys map[store.PasskeyID]store.Passkey
	batch    store.BatchID
	left     int64
	devices  map[store.DeviceID]store.TrustedDevice
	// apps are the applications of others that may do something.
	apps map[string]bool
}

// holdingOf reads the rows of an account.
func (w *walk) holdingOf(p *person) holding {
	q := w.DB.Read()
	h := holding{
		factors: map[string]store.Factor{}, passkeys: map[store.PasskeyID]store.Passkey{}, devices: map[store.DeviceID]store.TrustedDevice{},
		apps: map[string]bool{},
	}
	var err error
	h.account, err = q.GetAccount(w.ctx, p.id)
	w.must(err)
	factors, err := q.ListFactors(w.ctx, p.id)
	w.must(err)
	slices.SortFunc(factors, func(a, b store.Factor) int {
		if a.Main != b.Main {
			if a.Main {
				return -1
			}
			return 1
		}
		return cmp.Compare(a.Position, b.Position)
	})
	for _, f := range factors {
		h.factors[f.Kind] = f
		h.order = append(h.order, f.Kind)
	}
	passkeys, err := q.ListPasskeys(w.ctx, p.id)
	w.must(err)
	for _, k := range passkeys {
		h.passkeys[k.ID] = k
	}
	b, err := q.GetBackupBatch(w.ctx, p.id)
	if !errors.Is(err, store.ErrNotFound) {
		w.must(err)
		h.batch = b.ID
		h.left, err = q.CountBackupCodes(w.ctx, p.id)
		w.must(err)
	}
	devices, err := q.ListTrustedDevices(w.ctx, store.ListTrustedDevicesParams{AccountID: p.id, Now: w.now()})
	w.must(err)
	for _, d := range devices {
		h.devices[d.ID] = d
	}
	consents, err := q.ListConsents(w.ctx, p.id)
	w.must(err)
	for _, c := range consents {
		h.apps[c.Consent.ClientID] = true
	}
	return h
}

// may is what a request may bring about, as the walk judged before it was sent. Whatever else happens must not.
type may struct {
	// accept is the proof that the sign-in may go on by, who is whom it may be bound to by that.
	accept *proof
	who    *person
	// advance is whether the sign-in may go on without a proof: it is cancelled, or its codes are saved.
	advance bool
	// cancel is whether the sign-in may forget everybody.
	cancel bool
	// of is whose rows may change in any of the following ways.
	of *person
	// put is a method that may be set up or replaced, at an address or with a credential.
	put, address, credential string
	// first is whether it may only be the account's first.
	first bool
	// drop are methods that may go, dropKey a passkey.
	drop    []string
	dropKey store.PasskeyID
	// order is whether the methods may change places, rename whether a passkey may get a name.
	order, rename bool
	// renew is whether the backup codes may be replaced.
	renew bool
	// spend is whether a backup code may be used, step the app's step that may be reached, used the passkey that may be used.
	spend bool
	step  int64
	used  string
	// trust is whether the browser may become a trusted device, device one whose secret may be used.
	trust  bool
	device *trusted
	// dropDevices is whether trusted devices may be removed, voids one whose secret was presented after it was used up.
	dropDevices bool
	voids       string
	// ends is whether everything of the account may end, alone whether that leaves nothing at all, not even what acts.
	ends, alone bool
	// fully is whether whoever acts may do all that staff can.
	fully bool
	// allow is an application that may be allowed something, takeBack one that may lose all.
	allow, takeBack string
	// password is a password that the account may get.
	password string
	// then does what else follows for the walk's own record once the request was granted; refused what follows if it was not.
	then, refused func(c *call)
}

// look compares all rows with what they were, and refuses every difference that the request may not bring about.
func (w *walk) look(c *call, m may) {
	w.compareSurfaces(c, m)
	for _, p := range w.people {
		now := w.holdingOf(p)
		if p.held.account.ID != "" {
			w.compare(c, p, p.held, now, m)
		}
		p.held = now
		if _, has := now.factors[totp]; !has {
			p.app = nil
		}
		for id := range p.keys {
			if !slices.ContainsFunc(slices.Collect(maps.Values(now.passkeys)), func(k store.Passkey) bool { return credential(k) == id }) {
				delete(p.keys, id)
			}
		}
	}
}

// compareSurfaces refuses a change of what surfaces demand that no operator may have made (I13, I16).
func (w *walk) compareSurfaces(c *call, m may) {
	for id, s := range w.surfaces {
		was := s.String()
		w.readSurface(id)
		if s.String() != was {
			w.stirred = true
		}
		if s.String() != was && !(m.fully && m.of == nil) {
			w.fail("%v: %s became %s (I13)", c, was, s)
		}
	}
}

// credential is how an authenticator names a passkey.
func credential(k store.Passkey) string { return base64.RawURLEncoding.EncodeToString(k.CredentialID) }

func (w *walk) compare(c *call, p *person, before, after holding, m may) {
	w.compareApps(c, p, before, after, m)
	if m.of != p {
		m = may{fully: m.fully && m.of == nil}
	}
	changed := w.compareFactors(c, p, before, after, m)
	changed = w.comparePasskeys(c, p, before, after, m) || changed
	changed = w.compareCodes(c, p, before, after, m) || changed
	changed = w.compareAccount(c, p, before, after, m) || changed
	raised := after.account.CredentialEpoch - before.account.CredentialEpoch
	switch {
	case raised < 0:
		w.fail("%s: the epoch of %s went back", c, p.name)
	case raised == 0 && changed:
		w.fail("%s: what %s signs in with changed, and nothing ended by it (I11)", c, p.name)
	case raised > 0 && !changed && !m.ends && !m.fully && m.put == "":
		w.fail("%s: everything of %s ended for no reason", c, p.name)
	}
	w.compareDevices(c, p, before, after, m, raised > 0)
	if raised == 0 {
		return
	}
	p.events++
	w.stirred = true
	var keep *session
	var keepFlow *flow
	switch {
	case c == nil || m.fully || m.alone:
	case c.flow != nil:
		keep, keepFlow = c.flow.session, c.flow
	default:
		keep = c.session
	}
	w.ended(p, keep, keepFlow)
}

// ended takes notice that everything of an account ended but what may go on.
func (w *walk) ended(p *person, keep *session, keepFlow *flow) {
	for _, s := range w.sessions {
		if s.person == p && s != keep {
			w.endSession(s)
		}
	}
	for _, f := range w.flows {
		if f.person == p && f != keepFlow {
			f.dead = true
		}
	}
	for _, g := range w.grants {
		if g.person == p && g.session != keep {
			g.dead = true
		}
	}
	for _, d := range w.devices {
		if d.person == p {
			d.dead = true
		}
	}
	for _, s := range w.messages {
		if s.person == p {
			s.dead = true
		}
	}
	for _, s := range w.seeds {
		if s.person == p {
			s.dead = true
		}
	}
	for _, y := range w.ceremonies {
		if y.purpose != "login" && (y.session != nil && y.session.person == p || y.flow != nil && y.flow.person == p) {
			y.dead = true
		}
	}
}

// endSession takes notice that a session is over, with everything that rests on it.
func (w *walk) endSession(s *session) {
	if s.dead {
		return
	}
	s.dead, w.stirred = true, true
	w.wear(sessionCookie(s.person.kind), s.cookie, "the cookie of the ended "+s.name, s.person.kind)
	for _, f := range w.flows {
		if f.session == s {
			f.dead = true
		}
	}
	for _, g := range w.grants {
		if g.session == s {
			g.dead = true
		}
	}
}

func (w *walk) wear(name, value, what, kind string) {
	w.worn = append(w.worn, worn{name: name, value: value, what: what, kind: kind})
}

func (w *walk) compareFactors(c *call, p *person, before, after holding, m may) (changed bool) {
	for kind, f := range after.factors {
		old, had := before.factors[kind]
		replaced := had && (old.Address != f.Address || !old.VerifiedAt.Equal(f.VerifiedAt) || !bytes.Equal(old.SecretSealed, f.SecretSealed))
		switch {
		case !had || replaced:
			changed = true
			switch {
			case m.put != kind:
				w.fail("%s: %s of %s is set up without a proof of its own (I3, I18)", c, kind, p.name)
			case m.address != f.Address:
				w.fail("%s: %s of %s became %s, proved was %q", c, kind, p.name, f.Address, m.address)
			case m.first && len(before.factors) > 0:
				w.fail("%s: %s of %s is set up inside a sign-in beside another factor (I3)", c, kind, p.name)
			}
		case f.TOTPStep != nil && (old.TOTPStep == nil || *old.TOTPStep != *f.TOTPStep):
			if old.TOTPStep != nil && *f.TOTPStep < *old.TOTPStep || m.step != *f.TOTPStep {
				w.fail("%s: the app of %s reached step %d without a code of it (I4)", c, p.name, *f.TOTPStep)
			}
		}
	}
	for kind := range before.factors {
		if _, left := after.factors[kind]; !left {
			changed = true
			if !m.fully && !slices.Contains(m.drop, kind) {
				w.fail("%s: %s of %s is gone, and nobody may have removed it (I13)", c, kind, p.name)
			}
		}
	}
	both := func(list []string) []string {
		return slices.DeleteFunc(slices.Clone(list), func(kind string) bool {
			_, was := before.factors[kind]
			_, is := after.factors[kind]
			return !was || !is
		})
	}
	if !slices.Equal(both(before.order), both(after.order)) {
		changed = true
		if !m.order {
			w.fail("%s: the methods of %s changed places (I13)", c, p.name)
		}
	}
	return changed
}

func (w *walk) comparePasskeys(c *call, p *person, before, after holding, m may) (changed bool) {
	for id, k := range after.passkeys {
		old, had := before.passkeys[id]
		switch {
		case !had:
			changed = true
			if m.put != passkey || m.credential != credential(k) {
				w.fail("%s: %s has a passkey that nobody set up (I8)", c, p.name)
			}
		case old.SignCount != k.SignCount || !bytes.Equal(old.Record, k.Record) || (k.LastUsedAt != nil) != (old.LastUsedAt != nil) ||
			k.LastUsedAt != nil && !k.LastUsedAt.Equal(*old.LastUsedAt):
			if m.used != credential(k) {
				w.fail("%s: a passkey of %s was used without its answer (I8)", c, p.name)
			}
		case old.Name != k.Name && !m.rename:
			w.fail("%s: a passkey of %s has another name (I13)", c, p.name)
		}
	}
	for id := range before.passkeys {
		if _, left := after.passkeys[id]; !left {
			changed = true
			if !m.fully && m.dropKey != id && !slices.Contains(m.drop, passkey) {
				w.fail("%s: a passkey of %s is gone, and nobody may have removed it (I13)", c, p.name)
			}
		}
	}
	return changed
}

func (w *walk) compareCodes(c *call, p *person, before, after holding, m may) (changed bool) {
	switch {
	case before.batch != after.batch:
		first := m.put != "" && len(before.factors) == 0
		if after.batch != "" && !first && !m.renew {
			w.fail("%s: %s has new backup codes, and nobody may have made them (I6, I13)", c, p.name)
		}
		if after.batch == "" && len(after.factors) > 0 {
			w.fail("%s: the backup codes of %s are gone, the factors are not", c, p.name)
		}
		p.codes = map[string]bool{}
		return true
	case before.left != after.left:
		if after.left != before.left-1 || !m.spend {
			w.fail("%s: %s had %d backup codes and has %d (I6)", c, p.name, before.left, after.left)
		}
	}
	return false
}

func (w *walk) compareAccount(c *call, p *person, before, after holding, m may) (changed bool) {
	was, is := before.account, after.account
	if was.TwoFactor != is.TwoFactor {
		changed = true
		setUp := is.TwoFactor == store.TwoFactorUse && m.put != "" && !m.first
		if !m.fully && !setUp {
			w.fail("%s: the switch of %s became %s (I16)", c, p.name, is.TwoFactor)
		}
		p.use = is.TwoFactor == store.TwoFactorUse
	}
	if (was.ExemptUntil != nil) != (is.ExemptUntil != nil) && !m.fully {
		w.fail("%s: %s was made exempt, or is no longer (I16)", c, p.name)
	}
	if (was.DisabledAt != nil) != (is.DisabledAt != nil) {
		changed = true
		if !m.fully {
			w.fail("%s: %s was disabled or enabled", c, p.name)
		}
		p.disabled = is.DisabledAt != nil
	}
	if was.PasswordHash != is.PasswordHash {
		changed = true
		if m.password == "" {
			w.fail("%s: the password of %s is another (I13, I18)", c, p.name)
		}
		p.password = m.password
	}
	if was.RegisteredEmail != is.RegisteredEmail || was.Role != is.Role || was.Kind != is.Kind || was.LoginID != is.LoginID {
		w.fail("%s: the profile of %s changed (M18)", c, p.name)
	}
	return changed
}

func (w *walk) compareDevices(c *call, p *person, before, after holding, m may, raised bool) {
	for id, d := range before.devices {
		_, left := after.devices[id]
		if !left && !raised && !m.fully && !m.dropDevices && m.voids != string(id) && d.ExpiresAt.After(w.now()) {
			w.fail("%s: a trusted device of %s is gone, and nobody may have removed it (I13)", c, p.name)
		}
	}
	for id, d := range after.devices {
		old, had := before.devices[id]
		switch {
		case !had && !m.trust:
			w.fail("%s: a browser is trusted by %s, and nobody may have asked for it (I12)", c, p.name)
		case had && !bytes.Equal(old.SecretHash, d.SecretHash) && (m.device == nil || m.device.id != string(id)):
			w.fail("%s: a trusted device of %s was used without its secret (I12)", c, p.name)
		}
	}
	for _, d := range w.devices {
		if _, left := after.devices[store.DeviceID(d.id)]; d.person == p && !left {
			d.dead = true
		}
	}
}
