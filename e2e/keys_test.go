package e2e

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// waiting is the key of an algorithm that waits to sign. Servers make one within seconds; here it is made now.
func (w *world) waiting(t testing.TB, alg string) string {
	t.Helper()
	if err := w.Server.Provider.TendKeys(t.Context()); err != nil {
		t.Fatal(err)
	}
	now := w.clock.now().UTC()
	rows, err := w.Server.DB.Read().ListSigningKeys(t.Context(), &now)
	if err != nil {
		t.Fatal(err)
	}
	kid := ""
	for _, k := range rows { // in the order in which they sign
		if k.Alg == alg && k.RetiredAt == nil {
			kid = k.ID
		}
	}
	return kid
}

// published is the key set as relying parties get it.
func (w *world) published(t testing.TB) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.Addresses.Provider+"/jwks", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// シングルサインオン → 署名鍵: the next key takes over, one that leaked is taken back, and what is sealed gets new keys.
func TestKeysInTheConsole(t *testing.T) {
	one(t, func(t *testing.T, w *world) {
		// No application of the demo uses this algorithm: nobody's sign-in is in the way.
		kid := w.waiting(t, "EdDSA")
		b := w.operator(t)
		b.press("署名鍵")
		b.on("/admin/keys")
		b.heading("署名鍵")
		b.see(w.Addresses.Provider+"/jwks", kid, "次の鍵（公開のみ）", "署名に使用中", "90日ごとに自動でローテーションします。")
		b.press("鍵をローテーション")
		b.heading("署名鍵をローテーションしますか？")
		b.see("EdDSA", kid, "ログイン中の利用者には影響しません。")
		b.press("ローテーションする")
		b.on("/admin/keys")
		b.see("署名鍵をローテーションしました")

		b.press("失効（" + kid + "）")
		b.heading("この署名鍵を失効させますか？")
		b.see(kid, "元には戻せません。")
		b.fill("reason", "鍵のファイルが見つかった")
		b.fill("typed", "ちがう")
		b.press("失効させる")
		b.see("鍵IDの先頭8文字が一致しません。")
		if got := b.value("reason"); b.status() != 422 || got != "鍵のファイルが見つかった" {
			t.Errorf("a wrong word answers %d with %q", b.status(), got)
		}
		if !strings.Contains(w.published(t), kid) {
			t.Error("the key is gone before it was confirmed")
		}
		b.fill("typed", kid[:8])
		b.press("失効させる")
		b.on("/admin/keys")
		b.see("署名鍵を失効させました")
		for deadline := time.Now().Add(patience); strings.Contains(w.published(t), kid); time.Sleep(tick) {
			if time.Now().After(deadline) {
				t.Fatal("the revoked key is published still")
			}
		}

		b.press("暗号化鍵を更新")
		b.heading("暗号化鍵を更新しますか？")
		b.press("更新する")
		b.see("暗号化鍵の更新を開始しました", "暗号化鍵を更新しています")
		b.open(w.Addresses.Provider + "/admin/audit?q=EdDSA")
		b.see("署名鍵をローテーション", "署名鍵を失効", "鍵のファイルが見つかった")

		// Whoever has not the right does not see them.
		desk := w.browser(t)
		desk.open(w.Addresses.Provider + "/admin")
		desk.password(fixture(t, "support"))
		desk.miss("署名鍵")
		desk.open(w.Addresses.Provider + "/admin/keys")
		if desk.status() != http.StatusForbidden {
			t.Errorf("the support desk gets %d", desk.status())
		}
	})
}
