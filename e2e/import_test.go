package e2e

import "time"

// attach chooses a file in a form.
func (b *tab) attach(id, name, text string) {
	b.t.Helper()
	js[bool](b, `(() => { const d = new DataTransfer(); d.items.add(new File([%[2]s], %[3]s)); document.getElementById(%[1]s).files = d.files; return true; })()`,
		id, text, name)
}

// importing walks through the upload of a file with a good row and a bad one.
func (v *viewer) importing(b *tab, base string) {
	v.t.Helper()
	const text = "customer_code,customer_name,user_group,login_id,display_name,registered_email\n" +
		"C-900001,株式会社見本,本社,moved.one,見本 一郎,one@example.jp\nC-900001,,本社,moved two,見本 二郎,two@example.jp\n"
	b.open(base + "/admin/customers/import")
	v.look(b, "admin-import")
	b.hit(submit)
	v.look(b, "admin-import-error")
	b.attach("file", "people.csv", text)
	b.hit(submit)
	is := func(selector string) func() bool {
		return func() bool {
			if js[bool](b, `document.querySelector(%[1]s) !== null`, "main "+selector) {
				return true
			}
			time.Sleep(100 * time.Millisecond)
			b.reload()
			return false
		}
	}
	b.until("the file is checked", is("form[action*='/import/']"))
	v.look(b, "admin-import-checked")
	b.hit(submit)
	b.until("the import is finished", is(".kv"))
	v.look(b, "admin-import-done")
}
