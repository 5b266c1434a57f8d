package admin

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"image"
	_ "image/gif"  // read by DecodeConfig and Decode
	_ "image/jpeg" // as above
	_ "image/png"  // as above
	"io"

	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/store"
)

const (
	// MaxLogo is how many bytes the logo of an application has, and maxLogoSide how many pixels each way.
	MaxLogo, maxLogoSide = 512 << 10, 1024
	// clientFieldLogo is the field of a form, and what a [ClientError] calls it.
	clientFieldLogo = "logo"
)

// logoKinds are the media types of logos. A drawing (SVG) is none: it is a document, which can have a script.
func logoKinds() []string { return []string{"image/png", "image/jpeg", "image/gif"} }

// readLogo reads a picture and checks that it is one that every browser shows. What it is is told by its bytes alone.
func readLogo(from io.Reader) (data []byte, kind string, err error) {
	data, err = io.ReadAll(io.LimitReader(from, MaxLogo+1))
	if err != nil {
		return nil, "", fmt.Errorf("read logo: %w", err)
	}
	if len(data) > MaxLogo {
		return nil, "", logoError(fmt.Sprintf("must be %d KiB at most", MaxLogo>>10), "logo_size", "max", MaxLogo>>10)
	}
	noPicture := logoError("must be a PNG, JPEG or GIF picture", "logo_kind")
	shape, format, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, "", noPicture
	}
	if shape.Width < 1 || shape.Height < 1 || shape.Width > maxLogoSide || shape.Height > maxLogoSide {
		text := fmt.Sprintf("is %d x %d pixels, must be %d x %d at most", shape.Width, shape.Height, maxLogoSide, maxLogoSide)
		return nil, "", logoError(text, "logo_side", "max", maxLogoSide)
	}
	// A head without a picture behind it is shown by nobody. What this takes is bounded by what the head said.
	if _, _, err := image.Decode(bytes.NewReader(data)); err != nil {
		return nil, "", noPicture
	}
	return data, "image/" + format, nil
}

func logoError(text, reason string, args ...any) error {
	e := &ClientError{}
	e.add(clientFieldLogo, text, "client.wrong."+reason, args...)
	return e
}

// logoVersion names a picture in its address, so that browsers can keep it for as long as they like.
func logoVersion(sum [sha256.Size]byte) string {
	const enough = 12
	return base64.RawURLEncoding.EncodeToString(sum[:enough])
}

// SetLogo gives a client a logo, or another one. It fails with a [ClientError] or [store.ErrNotFound], and reports whether anything was
// changed.
func (s *Service) SetLogo(ctx context.Context, actor Actor, id string, picture io.Reader) (bool, error) {
	data, kind, wrong := readLogo(picture)
	return s.act(ctx, actor, mayManageClients, audit.Event{Type: audit.ClientUpdate}, func(w *work) error {
		row, err := w.client(ctx, id)
		if err != nil {
			return err
		}
		if wrong != nil {
			return wrong
		}
		sum := sha256.Sum256(data)
		if row.LogoVersion == logoVersion(sum) {
			return errUnchanged
		}
		err = w.tx.PutClientLogo(ctx, store.PutClientLogoParams{ClientID: id, MediaType: kind, Data: data, Sha256: sum[:], Now: w.now})
		if err != nil {
			return fmt.Errorf("save logo: %w", err)
		}
		return w.nameLogo(ctx, row, logoVersion(sum))
	})
}

// RemoveLogo takes the logo of a client away. It fails with [store.ErrNotFound], and reports whether there was one.
func (s *Service) RemoveLogo(ctx context.Context, actor Actor, id string) (bool, error) {
	return s.act(ctx, actor, mayManageClients, audit.Event{Type: audit.ClientUpdate}, func(w *work) error {
		row, err := w.client(ctx, id)
		if err != nil {
			return err
		}
		n, err := w.tx.DeleteClientLogo(ctx, id)
		if err != nil {
			return fmt.Errorf("delete logo: %w", err)
		}
		if n == 0 {
			return errUnchanged
		}
		return w.nameLogo(ctx, row, "")
	})
}

// nameLogo writes down which logo a client has now; none if its version is empty.
func (w *work) nameLogo(ctx context.Context, row store.Client, version string) error {
	n, err := w.tx.SetClientLogoVersion(ctx, store.SetClientLogoVersionParams{ID: row.ID, LogoVersion: version, Now: w.now})
	if err := claimed(n, err); err != nil {
		return err
	}
	w.event.Data = changes(clientFieldLogo, row.LogoVersion, version)
	return announceClient(ctx, w.tx, row.ID)
}

// isClientError is whether a person can correct what went wrong.
func isClientError(err error) bool {
	_, ok := errors.AsType[*ClientError](err)
	return ok
}
