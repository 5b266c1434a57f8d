package admin

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/store"
)

// RemoveDevice makes one browser of an account be asked for a code again (M7). It fails with [store.ErrNotFound] for a device
// that is not, or is no longer, the account's (I14).
func (s *Service) RemoveDevice(ctx context.Context, actor Actor, id store.AccountID, device store.DeviceID) error {
	_, err := s.act(ctx, actor, mayView, audit.Event{Type: audit.DeviceRemove}, func(w *work) error {
		if _, err := w.other(ctx, id, mayReset); err != nil {
			return err
		}
		devices, err := w.tx.ListTrustedDevices(ctx, store.ListTrustedDevicesParams{AccountID: id, Now: w.now})
		if err != nil {
			return fmt.Errorf("list trusted devices: %w", err)
		}
		i := slices.IndexFunc(devices, func(d store.TrustedDevice) bool { return d.ID == device })
		if i < 0 {
			return store.ErrNotFound
		}
		n, err := w.tx.DeleteTrustedDevice(ctx, store.DeleteTrustedDeviceParams{ID: device, AccountID: id})
		if err != nil {
			return fmt.Errorf("delete trusted device: %w", err)
		}
		if n == 0 {
			return store.ErrNotFound // its owner removed it a moment ago
		}
		w.event.Data = map[string]string{"name": devices[i].Name}
		return nil
	})
	return err
}

// RemoveDevices makes every browser of an account be asked for a code again, and reports whether there was one.
func (s *Service) RemoveDevices(ctx context.Context, actor Actor, id store.AccountID) (bool, error) {
	return s.act(ctx, actor, mayView, audit.Event{Type: audit.DeviceRemove}, func(w *work) error {
		if _, err := w.other(ctx, id, mayReset); err != nil {
			return err
		}
		n, err := w.tx.DeleteTrustedDevices(ctx, id)
		if err != nil {
			return fmt.Errorf("delete trusted devices: %w", err)
		}
		if n == 0 {
			return errUnchanged
		}
		w.event.Data = map[string]string{"all": "true", "count": strconv.FormatInt(n, 10)}
		return nil
	})
}
