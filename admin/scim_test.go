package admin

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/futakagi/futakagi/account"
	"github.com/futakagi/futakagi/audit"
	"github.com/futakagi/futakagi/store"
	"github.com/futakagi/futakagi/store/storetest"
)

// provisioning is a program that provisions: the client idp keeps the accounts of the sample customer, of which tanaka and suzuki are; the
// client other those of another one, of which yamada is.
type provisioning struct {
	*program
	// basic is a client's id and secret, sent in the place of a token.
	basic string
	// ids are those of resources that answers told of, by the names of the tests.
	ids map[string]string
}

func newProvisioning(t *testing.T, db *store.DB) *provisioning {
	t.Helper()
	p := &provisioning{program: newProgram(t, db, 1_000_000), ids: map[string]string{}}
	ctx := t.Context()
	c, err := p.CreateCustomer(ctx, System(), account.CustomerInput{Code: "C-2", Name: "別の販売先"})
	must(t, err)
	g, err := p.CreateUserGroup(ctx, System(), c.ID, "本社")
	must(t, err)
	yamada, err := p.CreateAccount(ctx, System(), g.ID, p.input("yamada", account.RoleBuyer))
	must(t, err)
	p.ids["tanaka"], p.ids["suzuki"], p.ids["landing"] = string(p.tanaka), string(p.suzuki), string(p.group)
	p.ids["yamada"], p.ids["theirs"], p.ids["root"] = string(yamada.ID), string(g.ID), string(p.root)
	p.client("other", scopeSCIM)
	must(t, p.SetProvisioning(ctx, System(), "other", g.ID))
	p.client("idp", scopeSCIM, scopeSCIMPasswords)
	must(t, p.SetProvisioning(ctx, System(), "idp", p.group))
	return p
}

// reply is an answer of SCIM.
type scimReply struct {
	*httptest.ResponseRecorder
	doc map[string]any
}

// fill puts ids in the place of their names in braces.
func (p *provisioning) fill(text string) string {
	for name, id := range p.ids {
		text = strings.ReplaceAll(text, "{"+name+"}", id)
	}
	return text
}

// scim sends a request. Names in braces stand for ids.
func (p *provisioning) scim(method, path, body string, headers ...string) scimReply {
	p.t.Helper()
	path = strings.NewReplacer(" ", "%20", `"`, "%22").Replace(p.fill(path))
	r := httptest.NewRequestWithContext(p.t.Context(), method, scimRoot+path, strings.NewReader(p.fill(body)))
	r.Host = "id.example.jp"
	if body != "" {
		r.Header.Set("Content-Type", scimMedia)
	}
	if p.token != "" {
		r.Header.Set("Authorization", "Bearer "+p.token)
	}
	if id, secret, ok := strings.Cut(p.basic, ":"); ok {
		r.SetBasicAuth(id, secret)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := scimReply{ResponseRecorder: httptest.NewRecorder()}
	p.mux.ServeHTTP(w, r)
	if w.Body.Len() > 0 {
		if ct := w.Header().Get("Content-Type"); ct != scimMedia {
			p.t.Errorf("%s %s: %d as %s: %s", method, path, w.Code, ct, w.Body)
		}
		must(p.t, json.Unmarshal(w.Body.Bytes(), &w.doc))
	}
	if w.Code >= 400 && (w.at("status") != fmt.Sprint(w.Code) || w.at("schemas.0") != scimErrorMessage || w.at("detail") == "") {
		p.t.Errorf("%s %s: error %s", method, path, w.Body)
	}
	return w
}

// at is what is at a path of names and places in lists; a name may be a whole schema's.
func (s scimReply) at(path string) string {
	var v any = s.doc
	for path != "" {
		step, rest, _ := strings.Cut(path, ".")
		if strings.HasPrefix(path, "urn:") {
			for _, schema := range []string{scimEnterpriseSchema, scimFutakagiSchema} {
				if after, ok := strings.CutPrefix(path, schema); ok {
					step, rest = schema, strings.TrimPrefix(after, ".")
				}
			}
		}
		switch at := v.(type) {
		case map[string]any:
			v = at[step]
		case []any:
			i := 0
			if _, err := fmt.Sscan(step, &i); err != nil || i >= len(at) {
				return ""
			}
			v = at[i]
		default:
			return ""
		}
		path = rest
	}
	switch v := v.(type) {
	case nil:
		return ""
	case []any:
		return fmt.Sprintf("%d", len(v))
	case float64:
		return fmt.Sprintf("%v", v)
	}
	return fmt.Sprint(v)
}

// exchange is one request of a run, and what its answer must have.
type exchange struct {
	what, method, path, body string
	status                   int
	// want are paths in the answer with their values; a list's value is its length.
	want map[string]string
	// keep is the name under which the id in the answer is kept.
	keep string
}

func (p *provisioning) run(steps []exchange) {
	p.t.Helper()
	for _, s := range steps {
		w := p.scim(s.method, s.path, s.body)
		if w.Code != s.status {
			p.t.Fatalf("%s: %d %s", s.what, w.Code, w.Body)
		}
		for path, want := range s.want {
			if got := w.at(path); got != p.fill(want) {
				p.t.Errorf("%s: %s is %q, want %q, in %s", s.what, path, got, p.fill(want), w.Body)
			}
		}
		if s.keep != "" {
			p.ids[s.keep] = w.at("id")
		}
	}
}

func patch(operations string) string {
	return `{"schemas":["` + scimPatchMessage + `"],"Operations":[` + operations + `]}`
}

// A cycle of Entra ID's provisioning: probe, create, change, switch off, delete, and the same with a group. Its ways with op, booleans and
// paths are those of its documentation.
func TestSCIMTakesWhatEntraSends(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		p := newProvisioning(t, db)
		p.run([]exchange{
			{"the test of the connection", "GET", `/Users?filter=userName eq "b2c4d0f8-0000-4000-8000-000000000000"`, "", 200, map[string]string{"totalResults": "0", "Resources": "0"}, ""},
			{"is there such an account", "GET", `/Users?filter=userName eq "ito@example.jp"`, "", 200, map[string]string{"totalResults": "0"}, ""},
			{"create", "POST", "/Users", `{"schemas":["` + scimUserSchema + `","` + scimEnterpriseSchema + `"],"externalId":"ito","userName":"ito@example.jp",
				"active":true,"displayName":"伊藤 花子","addresses":[{"primary":false,"type":"work","country":"日本"}],
				"emails":[{"primary":true,"type":"work","value":"ito@example.jp"}],"meta":{"resourceType":"User"},
				"name":{"formatted":"伊藤 花子","familyName":"伊藤","givenName":"花子"},"phoneNumbers":[{"type":"work","value":"03-0000-0000"}],
				"` + scimEnterpriseSchema + `":{"department":"購買","employeeNumber":"7"},"roles":[]}`, 201, map[string]string{
				"externalId": "ito", "userName": "ito@example.jp", "active": "true", "displayName": "伊藤 花子", "emails.0.value": "ito@example.jp",
				"emails.0.primary": "true", "groups.0.value": "{landing}", "meta.resourceType": "User", scimEnterpriseSchema + ".organization": "株式会社サンプル商事",
				scimFutakagiSchema + ".twoFactor.switch": "use", scimFutakagiSchema + ".twoFactor.methods": "0", "password": "",
			}, "ito"},
			{"match by the name of its own", "GET", `/Users?filter=externalId eq "ito"`, "", 200, map[string]string{"totalResults": "1", "Resources.0.id": "{ito}"}, ""},
			{"match by the address", "GET", `/Users?filter=emails[type eq "work"].value eq "ITO@example.jp"`, "", 200, map[string]string{"totalResults": "1", "Resources.0.id": "{ito}"}, ""},
			{"read", "GET", "/Users/{ito}", "", 200, map[string]string{"meta.location": "https://id.example.jp/scim/v2/Users/{ito}"}, ""},
			{"change several", "PATCH", "/Users/{ito}", patch(`{"op":"Replace","path":"emails[type eq \"work\"].value","value":"h.ito@example.jp"},
				{"op":"Replace","path":"displayName","value":"伊藤 はな"},{"op":"Add","path":"name.familyName","value":"伊藤"},
				{"op":"Add","path":"phoneNumbers[type eq \"mobile\"].value","value":"090-0000-0000"},
				{"op":"Replace","path":"` + scimEnterpriseSchema + `:department","value":"総務"}`), 200, map[string]string{"emails.0.value": "h.ito@example.jp", "displayName": "伊藤 はな"}, ""},
			{"change by dotted names", "PATCH", "/Users/{ito}", patch(`{"op":"Replace","value":{"displayName":"伊藤 華","name.familyName":"伊藤",
				"emails[type eq \"work\"].value":"ito@example.jp","` + scimEnterpriseSchema + `:department":"総務","active":true}}`), 200, map[string]string{"emails.0.value": "ito@example.jp", "displayName": "伊藤 華", "active": "true"}, ""},
			{"switch off with a text", "PATCH", "/Users/{ito}", patch(`{"op":"Replace","path":"active","value":"False"}`), 200, map[string]string{"active": "false"}, ""},
			{"one that is off is still found", "GET", `/Users?filter=userName eq "ito@example.jp"`, "", 200, map[string]string{"Resources.0.active": "false"}, ""},
			{"switch on again", "PATCH", "/Users/{ito}", patch(`{"op":"Replace","value":{"active":"True"}}`), 200, map[string]string{"active": "true"}, ""},

			{"is there such a group", "GET", `/Groups?excludedAttributes=members&filter=displayName eq "購買部"`, "", 200, map[string]string{"totalResults": "0"}, ""},
			{"create a group", "POST", "/Groups", `{"schemas":["` + scimGroupSchema + `","http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],
				"externalId":"g-1","displayName":"購買部","meta":{"resourceType":"Group"}}`, 201, map[string]string{"displayName": "購買部", "externalId": "g-1", "members": "0"}, "group"},
			{"read a group", "GET", "/Groups/{group}?excludedAttributes=members", "", 200, map[string]string{"displayName": "購買部", "members": ""}, ""},
			{"who is in it", "GET", `/Groups?filter=id eq "{group}" and members eq "{ito}"`, "", 200, map[string]string{"totalResults": "0"}, ""},
			{"put in", "PATCH", "/Groups/{group}", patch(`{"op":"Add","path":"members","value":[{"$ref":null,"value":"{ito}"},{"$ref":null,"value":"{tanaka}"}]}`), 204, nil, ""},
			{"who is in it now", "GET", `/Groups?excludedAttributes=members&filter=id eq "{group}" and members eq "{ito}"`, "", 200, map[string]string{"totalResults": "1", "Resources.0.members": ""}, ""},
			{"its members", "GET", "/Groups/{group}", "", 200, map[string]string{"members": "2"}, ""},
			{"less of its members", "GET", "/Groups/{group}?excludedAttributes=members.display", "", 200, map[string]string{"members": "2", "members.0.display": "", "members.0.type": "User"}, ""},
			{"their ids", "GET", "/Groups/{group}?attributes=members.value", "", 200, map[string]string{"members": "2", "members.0.type": "", "displayName": ""}, ""},
			{"the account's group", "GET", "/Users/{ito}", "", 200, map[string]string{"groups.0.value": "{group}", "groups.0.display": "購買部"}, ""},
			{"take out with a list", "PATCH", "/Groups/{group}", patch(`{"op":"Remove","path":"members","value":[{"$ref":null,"value":"{tanaka}"}]}`), 204, nil, ""},
			{"take out with a path", "PATCH", "/Groups/{group}", patch(`{"op":"Remove","path":"members[value eq \"{ito}\"]"}`), 204, nil, ""},
			{"nobody is in it", "GET", "/Groups/{group}", "", 200, map[string]string{"members": "0"}, ""},
			{"rename", "PATCH", "/Groups/{group}", patch(`{"op":"Replace","path":"displayName","value":"調達部"}`), 204, nil, ""},
			{"delete the group", "DELETE", "/Groups/{group}", "", 204, nil, ""},
			{"it is gone", "GET", "/Groups/{group}", "", 404, nil, ""},
			{"delete", "DELETE", "/Users/{ito}", "", 204, nil, ""},
			{"gone", "GET", "/Users/{ito}", "", 404, nil, ""},
			{"and found no more", "GET", `/Users?filter=externalId eq "ito"`, "", 200, map[string]string{"totalResults": "0"}, ""},
			{"and deleted no more", "DELETE", "/Users/{ito}", "", 404, nil, ""},
		})
	})
}

// A cycle of Okta's: numbered pages, whole resources with PUT, a password, PATCH without a path.
func TestSCIMTakesWhatOktaSends(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		p := newProvisioning(t, db)
		user := func(more string) string {
			return `{"schemas":["` + scimUserSchema + `"],"userName":"mori@example.jp","name":{"givenName":"Jiro","familyName":"Mori"},
				"emails":[{"primary":true,"value":"mori@example.jp","type":"work"}],"displayName":"Jiro Mori","locale":"ja-JP","externalId":"00u1",
				"groups":[],` + more + `}`
		}
		p.run([]exchange{
			{"the test of the connection", "GET", "/Users?startIndex=1&count=2", "", 200, map[string]string{"totalResults": "2", "startIndex": "1", "itemsPerPage": "2"}, ""},
			{"probe", "GET", `/Users?filter=userName eq "mori@example.jp"&startIndex=1&count=100`, "", 200, map[string]string{"totalResults": "0", "startIndex": "1", "itemsPerPage": "0"}, ""},
			{"create", "POST", "/Users", user(`"password":"violet-8-ferry","active":true`), 201, map[string]string{"displayName": "Jiro Mori", "password": ""}, "mori"},
			{"create again", "POST", "/Users", user(`"password":"violet-8-ferry","active":true`), 409, map[string]string{"scimType": "uniqueness"}, ""},
			{"read", "GET", "/Users/{mori}", "", 200, map[string]string{"externalId": "00u1"}, ""},
			{"put", "PUT", "/Users/{mori}", user(`"id":"{mori}","active":true,"meta":{"resourceType":"User"},"title":"buyer"`), 200, map[string]string{"displayName": "Jiro Mori", "active": "true"}, ""},
			{"a new password", "PATCH", "/Users/{mori}", patch(`{"op":"replace","value":{"password":"violet-9-ferry"}}`), 200, map[string]string{"password": ""}, ""},
			{"switch off", "PATCH", "/Users/{mori}", patch(`{"op":"replace","value":{"active":false}}`), 200, map[string]string{"active": "false"}, ""},
			{"put it on", "PUT", "/Users/{mori}", user(`"active":true`), 200, map[string]string{"active": "true"}, ""},
			{"groups", "GET", "/Groups?startIndex=1&count=100", "", 200, map[string]string{"totalResults": "1", "Resources.0.id": "{landing}", "Resources.0.members": "3"}, ""},
			{"push a group", "POST", "/Groups", `{"schemas":["` + scimGroupSchema + `"],"displayName":"Buyers","members":[{"value":"{mori}","display":"mori@example.jp"}]}`, 201, map[string]string{"members": "1", "members.0.value": "{mori}"}, "buyers"},
			{"rename it", "PATCH", "/Groups/{buyers}", patch(`{"op":"replace","value":{"id":"{buyers}","displayName":"Buyers of Tokyo"}}`), 204, nil, ""},
			{"members in one go", "PATCH", "/Groups/{buyers}", patch(`{"op":"remove","path":"members[value eq \"{mori}\"]"},{"op":"add","path":"members","value":[{"value":"{suzuki}","display":"suzuki"}]}`), 204, nil, ""},
			{"put a group", "PUT", "/Groups/{buyers}", `{"schemas":["` + scimGroupSchema + `"],"id":"{buyers}","displayName":"Buyers","members":[{"value":"{tanaka}"},{"value":"{suzuki}"}]}`, 200, map[string]string{"members": "2", "displayName": "Buyers"}, ""},
			{"put it without members", "PUT", "/Groups/{buyers}", `{"schemas":["` + scimGroupSchema + `"],"displayName":"Buyers"}`, 200, map[string]string{"members": "2"}, ""},
			{"put it with none", "PUT", "/Groups/{buyers}", `{"schemas":["` + scimGroupSchema + `"],"displayName":"Buyers","members":[]}`, 200, map[string]string{"members": "0"}, ""},
			{"delete it full", "PATCH", "/Groups/{buyers}", patch(`{"op":"replace","path":"members","value":[{"value":"{tanaka}"}]}`), 204, nil, ""},
			{"delete it", "DELETE", "/Groups/{buyers}", "", 204, nil, ""},
			{"its member is where they began", "GET", "/Users/{tanaka}", "", 200, map[string]string{"groups.0.value": "{landing}"}, ""},
		})
	})
}

// RFC 7643 section 8 and RFC 7644 section 3: the shapes of their examples.
func TestSCIMTakesTheStandardsShapes(t *testing.T) {
	p := newProvisioning(t, storetest.SQLite(t))
	p.run([]exchange{
		{"a user with little", "POST", "/Users", `{"schemas":["` + scimUserSchema + `"],"userName":"bjensen","externalId":"bjensen","emails":[{"value":"b@example.com"}],
			"name":{"formatted":"Ms. Barbara J Jensen III","familyName":"Jensen","givenName":"Barbara"}}`, 201, map[string]string{"displayName": "Ms. Barbara J Jensen III"}, "barbara"},
		{"a name of parts", "POST", "/Users", `{"schemas":["` + scimUserSchema + `"],"userName":"parts","emails":[{"value":"b@example.com"}],
			"name":{"familyName":"Jensen","givenName":"Barbara"}}`, 201, map[string]string{"displayName": "Barbara Jensen"}, ""},
		{"a name of parts in Japanese", "POST", "/Users", `{"schemas":["` + scimUserSchema + `"],"userName":"parts2","emails":[{"value":"b@example.com"}],
			"name":{"familyName":"山本","givenName":"次郎"},"active":false}`, 201, map[string]string{"displayName": "山本 次郎", "active": "false"}, ""},
		{
			"no name", "POST", "/Users", `{"schemas":["` + scimUserSchema + `"],"userName":"Nameless","emails":[{"type":"home","value":"h@example.com"},{"type":"work","value":"w@example.com"}]}`,
			201,
			map[string]string{"displayName": "Nameless", "emails": "1", "emails.0.value": "w@example.com"},
			"",
		},
		{
			"add to what there is", "PATCH", "/Users/{barbara}", patch(`{"op":"add","value":{"emails":[{"value":"babs@example.org","type":"home"}],"nickname":"Babs"}}`),
			200,
			map[string]string{"emails.0.value": "b@example.com"},
			"",
		},
		{
			"replace by a filter", "PATCH", "/Users/{barbara}", patch(`{"op":"replace","path":"emails[type eq \"work\" and value ew \"example.com\"]","value":{"type":"work","value":"new@example.com","primary":true}}`),
			200,
			map[string]string{"emails.0.value": "new@example.com"},
			"",
		},
		{
			"replace by a filter that finds nothing", "PATCH", "/Users/{barbara}", patch(`{"op":"replace","path":"emails[value eq \"x@example.com\"].value","value":"y@example.com"}`),
			400,
			map[string]string{"scimType": "noTarget"},
			"",
		},
		{"remove", "PATCH", "/Users/{barbara}", patch(`{"op":"remove","path":"externalId"}`), 200, map[string]string{"externalId": ""}, ""},
		{"remove the name", "PATCH", "/Users/{barbara}", patch(`{"op":"remove","path":"displayName"}`), 200, map[string]string{"displayName": "bjensen"}, ""},
		{"with the schema's name", "PATCH", "/Users/{barbara}", patch(`{"op":"replace","path":"` + scimUserSchema + `:displayName","value":"Babs"}`), 200, map[string]string{"displayName": "Babs"}, ""},
		{"with the schema as an object", "PATCH", "/Users/{barbara}", patch(`{"op":"replace","value":{"` + scimUserSchema + `":{"displayName":"Barbara"}}}`), 200, map[string]string{"displayName": "Barbara"}, ""},
		{"some attributes", "GET", "/Users/{barbara}?attributes=userName,emails.value," + scimFutakagiSchema + ":twoFactor.switch", "", 200, map[string]string{
			"userName": "bjensen", "emails.0.value": "new@example.com", "emails.0.type": "", "active": "", "id": "{barbara}", scimFutakagiSchema + ".twoFactor.switch": "use",
			scimFutakagiSchema + ".twoFactor.required": "", "schemas": "3", "meta.version": "",
		}, ""},
		{"an extension", "GET", "/Users/{barbara}?attributes=" + scimFutakagiSchema, "", 200, map[string]string{scimFutakagiSchema + ".twoFactor.required": "true", "userName": ""}, ""},
		{"without some", "GET", "/Users/{barbara}?excludedAttributes=id,emails.type," + scimFutakagiSchema + ",meta", "", 200, map[string]string{
			"id": "{barbara}", "emails.0.value": "new@example.com", "emails.0.type": "", scimFutakagiSchema: "", "meta": "", "userName": "bjensen",
		}, ""},
		{
			"a search by POST", "POST", "/Users/.search", `{"schemas":["` + scimSearchMessage + `"],"attributes":["displayName","userName"],"filter":"displayName sw \"barb\"","startIndex":1,"count":10}`,
			200,
			map[string]string{"totalResults": "2", "Resources.0.userName": "bjensen", "Resources.0.active": ""},
			"",
		},
		{"groups by POST", "POST", "/Groups/.search", `{"schemas":["` + scimSearchMessage + `"],"excludedAttributes":["members"]}`, 200, map[string]string{"totalResults": "1", "Resources.0.members": ""}, ""},
		{"no attributes of ours", "GET", "/Users/{barbara}?attributes=nonsense", "", 200, map[string]string{"id": "{barbara}", "userName": ""}, ""},
		{
			"put", "PUT", "/Users/{barbara}", `{"schemas":["` + scimUserSchema + `"],"id":"{barbara}","userName":"BJensen","externalId":"e","emails":[{"value":"b@example.com"}]}`,
			200,
			map[string]string{"displayName": "BJensen", "externalId": "e", "userName": "bjensen"},
			"",
		},
		{"what the server can do", "GET", "/ServiceProviderConfig", "", 200, map[string]string{"patch.supported": "true", "bulk.supported": "false", "pagination.cursor": "true", "filter.maxResults": "200"}, ""},
		{"kinds of resource", "GET", "/ResourceTypes", "", 200, map[string]string{"totalResults": "2", "Resources.0.schemaExtensions": "2"}, ""},
		{"one of them", "GET", "/ResourceTypes/Group", "", 200, map[string]string{"endpoint": "/Groups"}, ""},
		{"none of them", "GET", "/ResourceTypes/Device", "", 404, nil, ""},
		{"schemas", "GET", "/Schemas", "", 200, map[string]string{"totalResults": "4"}, ""},
		{"one schema", "GET", "/Schemas/" + scimUserSchema, "", 200, map[string]string{"id": scimUserSchema, "attributes.0.name": "userName", "attributes.0.mutability": "immutable"}, ""},
		{"filtered schemas", "GET", `/Schemas?filter=id eq "x"`, "", 403, nil, ""},
		{"oneself", "GET", "/Me", "", 501, nil, ""},
		{"in bulk", "POST", "/Bulk", "{}", 501, nil, ""},
		{"everywhere", "POST", "/.search", "{}", 501, nil, ""},
		{"elsewhere", "GET", "/Nonsense", "", 404, nil, ""},
		{"another method", "POST", "/Users/{barbara}", "{}", 405, nil, ""},
	})
}

// What cannot be taken is said by the words of the standard, and changes nothing.
func TestSCIMRefusesWhatItCannotTake(t *testing.T) {
	p := newProvisioning(t, storetest.SQLite(t))
	user := func(more string) string {
		return `{"schemas":["` + scimUserSchema + `"],"userName":"new","emails":[{"value":"n@example.jp"}]` + more + `}`
	}
	long := strings.Repeat("あ", 2000)
	const syntax, value, mutability, path, target, filter = scimInvalidSyntax, scimInvalidValue, scimMutability, scimInvalidPath, scimNoTarget, scimInvalidFilter
	for _, c := range []struct {
		method, path, body string
		status             int
		kind               string
	}{
		{"POST", "/Users", `{`, 400, syntax},
		{"POST", "/Users", `[]`, 400, syntax},
		{"POST", "/Users", `null`, 400, syntax},
		{"POST", "/Users", `{"userName":"new","emails":[{"value":"n@example.jp"}]}`, 400, syntax},
		{"POST", "/Users", `{"schemas":"` + scimUserSchema + `","userName":"new","emails":[{"value":"n@example.jp"}]}`, 400, syntax},
		{"POST", "/Users", `{"schemas":["` + scimGroupSchema + `"],"userName":"new","emails":[{"value":"n@example.jp"}]}`, 400, syntax},
		{"POST", "/Users", user(`,"userName":"other"`), 400, syntax},
		{"POST", "/Users", user(`,"USERNAME":"other"`), 400, syntax},
		{"POST", "/Users", user(`,"name":{"formatted":"a","Formatted":"b"}`), 400, syntax},
		{"POST", "/Users", user(`,"is_admin":true`), 400, syntax},
		{"POST", "/Users", user(`,"name.formatted":"x"`), 400, syntax},
		{"POST", "/Users", user(`,"urn:nonsense:2.0:User":{}`), 400, syntax},
		{"POST", "/Users", user(`,"` + scimEnterpriseSchema + `":"x"`), 400, syntax},
		{"POST", "/Users", user(`,"` + scimEnterpriseSchema + `":{"nonsense":1}`), 400, syntax},
		{"POST", "/Users", user(`,"` + scimEnterpriseSchema + `":{"` + scimEnterpriseSchema + `":{}}`), 400, syntax},
		{"POST", "/Users", `{"schemas":["` + scimUserSchema + `"],"emails":[{"value":"n@example.jp"}]}`, 400, value},
		{"POST", "/Users", `{"schemas":["` + scimUserSchema + `"],"userName":"new"}`, 400, value},
		{"POST", "/Users", `{"schemas":["` + scimUserSchema + `"],"userName":null,"emails":[{"value":"n@example.jp"}]}`, 400, mutability},
		{"POST", "/Users", `{"schemas":["` + scimUserSchema + `"],"userName":7,"emails":[{"value":"n@example.jp"}]}`, 400, value},
		{"POST", "/Users", `{"schemas":["` + scimUserSchema + `"],"userName":"","emails":[{"value":"n@example.jp"}]}`, 400, value},
		{"POST", "/Users", `{"schemas":["` + scimUserSchema + `"],"userName":"a b","emails":[{"value":"n@example.jp"}]}`, 400, value},
		{"POST", "/Users", `{"schemas":["` + scimUserSchema + `"],"userName":"` + long + `","emails":[{"value":"n@example.jp"}]}`, 400, value},
		{"POST", "/Users", `{"schemas":["` + scimUserSchema + `"],"userName":"tanaka","emails":[{"value":"n@example.jp"}]}`, 409, scimUniqueness},
		{"POST", "/Users", `{"schemas":["` + scimUserSchema + `"],"userName":"YAMADA","emails":[{"value":"n@example.jp"}]}`, 409, scimUniqueness},
		{"POST", "/Users", user(`,"displayName":7`), 400, value},
		{"POST", "/Users", user(`,"displayName":"` + long + `"`), 400, value},
		{"POST", "/Users", user(`,"displayName":"a\u0000"`), 400, value},
		{"POST", "/Users", user(`,"name":"x"`), 400, value},
		{"POST", "/Users", user(`,"name":{"nonsense":"x"}`), 400, syntax},
		{"POST", "/Users", user(`,"name":{"formatted":[]}`), 400, value},
		{"POST", "/Users", user(`,"name":{"familyName":7}`), 400, value},
		{"POST", "/Users", user(`,"active":"perhaps"`), 400, value},
		{"POST", "/Users", user(`,"active":1`), 400, value},
		{"POST", "/Users", user(`,"active":null`), 400, value},
		{"POST", "/Users", user(`,"password":7`), 400, value},
		{"POST", "/Users", user(`,"password":"short"`), 400, value},
		{"POST", "/Users", user(`,"password":"` + long + `"`), 400, value},
		{"POST", "/Users", user(`,"externalId":{}`), 400, value},
		{"POST", "/Users", user(`,"externalId":"` + long + `"`), 400, value},
		{"POST", "/Users", user(`,"externalId":"a\nb"`), 400, value},
		{"POST", "/Users", strings.Replace(user(""), `[{"value":"n@example.jp"}]`, `"n@example.jp"`, 1), 400, value},
		{"POST", "/Users", strings.Replace(user(""), `[{"value":"n@example.jp"}]`, `[]`, 1), 400, value},
		{"POST", "/Users", strings.Replace(user(""), `"n@example.jp"`, `7`, 1), 400, value},
		{"POST", "/Users", strings.Replace(user(""), `"n@example.jp"`, `"no address"`, 1), 400, value},
		{"POST", "/Users", strings.Replace(user(""), `"n@example.jp"`, `"n@example.jp\r\nBcc: x@example.jp"`, 1), 400, value},
		{"POST", "/Users", strings.Replace(user(""), `}]`, `,"nonsense":1}]`, 1), 400, syntax},
		{"POST", "/Users", strings.Replace(user(""), `}]`, `,"type":1}]`, 1), 400, value},
		{"POST", "/Users", strings.Replace(user(""), `}]`, `,"primary":"x"}]`, 1), 400, value},
		{"POST", "/Users", strings.Replace(user(""), `}]`, `,"primary":true},{"value":"m@example.jp","primary":true}]`, 1), 400, value},

		{"PATCH", "/Users/{tanaka}", `{}`, 400, syntax},
		{"PATCH", "/Users/{tanaka}", `{"Operations":[{"op":"replace","value":{}}]}`, 400, syntax},
		{"PATCH", "/Users/{tanaka}", patch(``), 400, syntax},
		{"PATCH", "/Users/{tanaka}", patch(`7`), 400, syntax},
		{"PATCH", "/Users/{tanaka}", patch(`{"op":"move","path":"displayName","value":"x"}`), 400, syntax},
		{"PATCH", "/Users/{tanaka}", patch(`{"path":"displayName","value":"x"}`), 400, syntax},
		{"PATCH", "/Users/{tanaka}", patch(`{"op":"replace","path":7,"value":"x"}`), 400, syntax},
		{"PATCH", "/Users/{tanaka}", patch(`{"op":"replace","path":"displayName","value":"x","more":1}`), 400, syntax},
		{"PATCH", "/Users/{tanaka}", patch(`{"op":"replace","path":"displayName","value":"x","Value":"y"}`), 400, syntax},
		{"PATCH", "/Users/{tanaka}", `{"schemas":["` + scimPatchMessage + `"],"Operations":[{"op":"replace","value":{"displayName":"x"}}],"more":1}`, 400, syntax},
		{"PATCH", "/Users/{tanaka}", patch(strings.Repeat(`{"op":"replace","path":"displayName","value":"x"},`, 100) + `{"op":"replace","path":"displayName","value":"x"}`), 400, syntax},
		{"PATCH", "/Users/{tanaka}", patch(`{"op":"replace","path":"displayName"}`), 400, value},
		{"PATCH", "/Users/{tanaka}", patch(`{"op":"replace","value":"x"}`), 400, value},
		{"PATCH", "/Users/{tanaka}", patch(`{"op":"remove"}`), 400, target},
		{"PATCH", "/Users/{tanaka}", patch(`{"op":"replace","path":"nonsense","value":"x"}`), 400, path},
		{"PATCH", "/Users/{tanaka}", patch(`{"op":"replace","value":{"nonsense":"x"}}`), 400, path},
		{"PATCH", "/Users/{tanaka}", patch(`{"op":"replace","path":"emails[type eq","value":"x"}`), 400, path},
		{"PATCH", "/Users/{tanaka}", patch(`{"op":"replace","path":"id","value":"x"}`), 400, mutability},
		{"PATCH", "/Users/{tanaka}", patch(`{"op":"replace","path":"schemas","value":[]}`), 400, mutability},
		{"PATCH", "/Users/{tanaka}", patch(`{"op":"replace","path":"meta.version","value":"x"}`), 400, mutability},
		{"PATCH", "/Users/{tanaka}", patch(`{"op":"add","path":"groups","value":[{"value":"{landing}"}]}`), 400, mutability},
		{"PATCH", "/Users/{tanaka}", patch(`{"op":"replace","path":"` + scimFutakagiSchema + `:twoFactor.switch","value":"dont_use"}`), 400, mutability},
		{"PATCH", "/Users/{tanaka}", patch(`{"op":"remove","path":"` + scimFutakagiSchema + `"}`), 400, mutability},
		{"PATCH", "/Users/{tanaka}", patch(`{"op":"replace","path":"` + scimEnterpriseSchema + `:organization","value":"x"}`), 400, mutability},
		{"PATCH", "/Users/{tanaka}", patch(`{"op":"replace","path":"userName","value":"tanaka2"}`), 400, mutability},
		{"PATCH", "/Users/{tanaka}", patch(`{"op":"remove","path":"userName"}`), 400, mutability},
		{"PATCH", "/Users/{tanaka}", patch(`{"op":"remove","path":"emails"}`), 400, mutability},
		{"PATCH", "/Users/{tanaka}", patch(`{"op":"remove","path":"emails[type eq \"work\"]"}`), 400, mutability},
		{"PATCH", "/Users/{tanaka}", patch(`{"op":"remove","path":"password"}`), 400, mutability},
		{"PATCH", "/Users/{tanaka}", patch(`{"op":"remove","path":"active"}`), 400, value},
		{"PATCH", "/Users/{tanaka}", patch(`{"op":"replace","path":"emails[type eq \"work\"].value","value":"no address"}`), 400, value},
		{"PATCH", "/Users/{tanaka}", patch(`{"op":"replace","path":"password","value":"tanaka"}`), 400, value},
		{"PATCH", "/Users/{tanaka}", patch(`{"op":"replace","path":"displayName","value":"first"},{"op":"replace","path":"password","value":"x"}`), 400, value},
		{"PUT", "/Users/{tanaka}", user(``), 400, mutability},

		{"POST", "/Groups", `{"schemas":["` + scimGroupSchema + `"]}`, 400, value},
		{"POST", "/Groups", `{"schemas":["` + scimGroupSchema + `"],"displayName":""}`, 400, value},
		{"POST", "/Groups", `{"schemas":["` + scimGroupSchema + `"],"displayName":"本社"}`, 409, scimUniqueness},
		{"POST", "/Groups", `{"schemas":["` + scimGroupSchema + `"],"displayName":"x","members":[{"value":"{yamada}"}]}`, 400, value},
		{"POST", "/Groups", `{"schemas":["` + scimGroupSchema + `"],"displayName":"x","members":[{"value":"{root}"}]}`, 400, value},
		{"POST", "/Groups", `{"schemas":["` + scimGroupSchema + `"],"displayName":"x","members":[{"value":"x"}]}`, 400, value},
		{"POST", "/Groups", `{"schemas":["` + scimGroupSchema + `"],"displayName":"x","members":[{}]}`, 400, value},
		{"POST", "/Groups", `{"schemas":["` + scimGroupSchema + `"],"displayName":"x","members":["{tanaka}"]}`, 400, value},
		{"POST", "/Groups", `{"schemas":["` + scimGroupSchema + `"],"displayName":"x","members":[{"value":"{tanaka}","type":"Group"}]}`, 400, value},
		{"POST", "/Groups", `{"schemas":["` + scimGroupSchema + `"],"displayName":"x","members":[{"value":"{tanaka}","nonsense":1}]}`, 400, syntax},
		{"PATCH", "/Groups/{landing}", patch(`{"op":"remove","path":"displayName"}`), 400, mutability},
		{"PATCH", "/Groups/{landing}", patch(`{"op":"remove","path":"members"}`), 400, mutability},
		{"PATCH", "/Groups/{landing}", patch(`{"op":"remove","path":"members[value eq \"{tanaka}\"]"}`), 400, mutability},
		{"PATCH", "/Groups/{landing}", patch(`{"op":"remove","path":"members[display eq \"tanaka\"]"}`), 400, filter},
		{"PATCH", "/Groups/{landing}", patch(`{"op":"replace","path":"members[value eq \"{tanaka}\"]","value":{"value":"{suzuki}"}}`), 400, mutability},
		{"PATCH", "/Groups/{landing}", patch(`{"op":"replace","path":"members.value","value":"{suzuki}"}`), 400, mutability},
		{"PATCH", "/Groups/{landing}", patch(`{"op":"add","path":"members","value":[` + strings.Repeat(`{"value":"{tanaka}"},`, maxMembers) + `{"value":"{tanaka}"}]}`), 400, scimTooMany},
		{"DELETE", "/Groups/{landing}", ``, 400, mutability},

		{"GET", `/Users?filter=nonsense eq "x"`, ``, 400, filter},
		{"GET", `/Users?filter=password eq "x"`, ``, 400, filter},
		{"GET", `/Groups?filter=members sw "x"`, ``, 400, filter},
		{"GET", `/Groups?filter=members.display eq "x"`, ``, 400, filter},
		{"GET", `/Groups?filter=members[display eq "x"]`, ``, 400, filter},
		{"GET", `/Groups?filter=members pr`, ``, 400, filter},
		{"GET", `/Users?count=x`, ``, 400, value},
		{"GET", `/Users?startIndex=1.5`, ``, 400, value},
		{"GET", `/Users?count=1&count=2`, ``, 400, value},
		{"GET", `/Users?sortBy=userName`, ``, 400, value},
		{"GET", `/Users?sortBy=id&sortOrder=descending`, ``, 400, value},
		{"GET", `/Users?startIndex=10002`, ``, 400, scimTooMany},
		{"GET", `/Users?cursor=x`, ``, 400, scimInvalidCursor},
		{"GET", `/Users?cursor=WyJ4Il0`, ``, 400, scimInvalidCursor},
		{"GET", `/Users?cursor=&startIndex=2`, ``, 400, value},
		{"GET", `/Users?attributes=id&excludedAttributes=name`, ``, 400, value},
		{"POST", `/Users/.search`, `{}`, 400, syntax},
		{"POST", `/Users/.search`, `{"schemas":["` + scimSearchMessage + `"],"nonsense":1}`, 400, syntax},
		{"POST", `/Users/.search`, `{"schemas":["` + scimSearchMessage + `"],"count":"1"}`, 400, syntax},
		{"POST", `/Users/.search`, `{"schemas":["` + scimSearchMessage + `"],"attributes":"id"}`, 400, syntax},
		{"POST", `/Users/.search`, `{"schemas":["` + scimSearchMessage + `"],"attributes":["id"],"excludedAttributes":["name"]}`, 400, value},
		{"POST", `/Groups/.search`, `{"schemas":["` + scimSearchMessage + `"],"attributes":["id"` + strings.Repeat(`,"members.value"`, maxNames) + `]}`, 400, value},
		{"GET", `/Users?excludedAttributes=id` + strings.Repeat(",name", maxNames), "", 400, value},
	} {
		done := len(p.successes())
		w := p.scim(c.method, c.path, c.body)
		if w.Code != c.status || w.at("scimType") != c.kind {
			t.Errorf("%s %s %.200s: %d %s", c.method, c.path, c.body, w.Code, w.Body)
		}
		if n := len(p.successes()); n != done {
			t.Errorf("%s %s %.200s: refused, and done", c.method, c.path, c.body)
		}
	}
	if w := p.scim(http.MethodPost, "/Users", user(""), "Content-Type", "text/plain"); w.Code != http.StatusUnsupportedMediaType {
		t.Errorf("as text: %d", w.Code)
	}
	if w := p.scim(http.MethodPost, "/Users", user(""), "Content-Type", "application/json; charset=utf-8"); w.Code != http.StatusCreated {
		t.Errorf("as plain JSON: %d %s", w.Code, w.Body)
	}
	big := user(`,"title":"` + strings.Repeat("x", 1<<20) + `"`)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, scimRoot+"/Users", strings.NewReader(big))
	r.Host, r.ContentLength = "id.example.jp", -1
	r.Header.Set("Authorization", "Bearer "+p.token)
	r.Header.Set("Content-Type", scimMedia)
	rec := httptest.NewRecorder()
	p.mux.ServeHTTP(rec, r)
	if rec.Code != http.StatusRequestEntityTooLarge || rec.Header().Get("Content-Type") != scimMedia {
		t.Errorf("more than fits: %d as %s", rec.Code, rec.Header().Get("Content-Type"))
	}
}

// everySCIMRequest is one good request to each endpoint.
func everySCIMRequest() []exchange {
	user := `{"schemas":["` + scimUserSchema + `"],"userName":"%s","emails":[{"value":"n@example.jp"}]}`
	group := `{"schemas":["` + scimGroupSchema + `"],"displayName":"%s"}`
	return []exchange{
		{"list users", "GET", "/Users", "", 200, nil, ""},
		{"create a user", "POST", "/Users", fmt.Sprintf(user, "new"), 201, nil, ""},
		{"search users", "POST", "/Users/.search", `{"schemas":["` + scimSearchMessage + `"]}`, 200, nil, ""},
		{"get a user", "GET", "/Users/{tanaka}", "", 200, nil, ""},
		{"put a user", "PUT", "/Users/{tanaka}", fmt.Sprintf(user, "tanaka"), 200, nil, ""},
		{"patch a user", "PATCH", "/Users/{tanaka}", patch(`{"op":"replace","path":"displayName","value":"x"}`), 200, nil, ""},
		{"delete a user", "DELETE", "/Users/{tanaka}", "", 204, nil, ""},
		{"list groups", "GET", "/Groups", "", 200, nil, ""},
		{"create a group", "POST", "/Groups", fmt.Sprintf(group, "新"), 201, nil, ""},
		{"search groups", "POST", "/Groups/.search", `{"schemas":["` + scimSearchMessage + `"]}`, 200, nil, ""},
		{"get a group", "GET", "/Groups/{branch}", "", 200, nil, ""},
		{"put a group", "PUT", "/Groups/{branch}", fmt.Sprintf(group, "別"), 200, nil, ""},
		{"patch a group", "PATCH", "/Groups/{branch}", patch(`{"op":"replace","path":"displayName","value":"x"}`), 204, nil, ""},
		{"delete a group", "DELETE", "/Groups/{branch}", "", 204, nil, ""},
		{"the configuration", "GET", "/ServiceProviderConfig", "", 200, nil, ""},
		{"kinds", "GET", "/ResourceTypes", "", 200, nil, ""},
		{"a kind", "GET", "/ResourceTypes/User", "", 200, nil, ""},
		{"schemas", "GET", "/Schemas", "", 200, nil, ""},
		{"a schema", "GET", "/Schemas/" + scimGroupSchema, "", 200, nil, ""},
	}
}

// Z-1: every caller × endpoint. What is refused is not done.
func TestZ1_SCIMMatrix(t *testing.T) {
	for name, c := range map[string]struct {
		sign   func(p *provisioning)
		status int
		header string
	}{
		"nobody":                     {func(p *provisioning) { p.token = "" }, 401, "Bearer"},
		"a token that is none":       {func(p *provisioning) { p.token = "nonsense" }, 401, `Bearer error="invalid_token"`},
		"an administrator's session": {func(p *provisioning) { p.as(p.root) }, 401, "Bearer"},
		"a client with every other scope": {func(p *provisioning) {
			p.client("idp", slices.DeleteFunc(allScopes(), func(s string) bool { return s == scopeSCIM })...)
		}, 403, `Bearer error="insufficient_scope", scope="api:scim"`},
		"a client without a customer":  {func(p *provisioning) { p.client("unbound", allScopes()...) }, 403, ""},
		"a client that was stopped":    {func(p *provisioning) { must(p.t, p.RemoveProvisioning(p.t.Context(), System(), "idp")) }, 403, ""},
		"a client whose token is old":  {func(p *provisioning) { p.clock.pass(time.Hour) }, 401, `Bearer error="invalid_token"`},
		"the client":                   {func(*provisioning) {}, 0, ""},
		"the client by its secret":     {func(p *provisioning) { p.basic = "idp:secret of idp" }, 0, ""},
		"a wrong secret":               {func(p *provisioning) { p.basic = "idp:secret of other" }, 401, `Basic realm="SCIM", charset="UTF-8"`},
		"a client that does not exist": {func(p *provisioning) { p.basic = "none:secret of none" }, 401, `Basic realm="SCIM", charset="UTF-8"`},
		"a secret without the scope": {func(p *provisioning) {
			p.basic = "idp:secret of idp"
			p.client("idp", scopeClients)
		}, 403, `Bearer error="insufficient_scope", scope="api:scim"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProvisioning(t, storetest.SQLite(t))
			g, err := p.CreateUserGroup(t.Context(), System(), p.customer, "支社")
			must(t, err)
			p.ids["branch"] = string(g.ID)
			c.sign(p)
			for _, s := range everySCIMRequest() {
				done := len(p.successes())
				w := p.scim(s.method, s.path, s.body)
				want := c.status
				if want == 0 {
					want = s.status
				}
				if w.Code != want || w.Header().Get("WWW-Authenticate") != c.header {
					t.Errorf("%s: %d %q %s", s.what, w.Code, w.Header().Get("WWW-Authenticate"), w.Body)
				}
				if c.status != 0 && len(p.successes()) != done {
					t.Errorf("%s: refused, and done", s.what)
				}
			}
		})
	}
}

// I14: what belongs to another customer, an operator's account included, is like what does not exist, and the try is written down.
func TestI14_SCIMSeesOneCustomer(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		p := newProvisioning(t, db)
		missing := store.NewID[string]()
		for _, s := range everySCIMRequest() {
			if !strings.Contains(s.path, "{tanaka}") && !strings.Contains(s.path, "{branch}") {
				continue
			}
			kinds := []string{p.ids["yamada"], p.ids["root"]}
			if strings.Contains(s.path, "{branch}") {
				kinds = []string{p.ids["theirs"]}
			}
			ask := func(id string) scimReply {
				return p.scim(s.method, strings.NewReplacer("{tanaka}", id, "{branch}", id).Replace(s.path), s.body)
			}
			want := ask(missing)
			if want.Code != http.StatusNotFound {
				t.Errorf("%s of what does not exist: %d %s", s.what, want.Code, want.Body)
			}
			for _, id := range append(kinds, "x", "%27", strings.ToUpper(missing), "urn:x") {
				if got := ask(id); got.Code != want.Code || got.Body.String() != want.Body.String() {
					t.Errorf("%s of %s: %d %s", s.what, id, got.Code, got.Body)
				}
			}
		}
		for _, filter := range []string{`userName eq "yamada"`, `id eq "{yamada}"`, `emails.value eq "yamada@example.jp"`, `userName eq "root"`, `userName sw "yam"`} {
			if w := p.scim(http.MethodGet, "/Users?filter="+filter, ""); w.at("totalResults") != "0" {
				t.Errorf("%s: %s", filter, w.Body)
			}
		}
		p.run([]exchange{
			{"all accounts", "GET", "/Users", "", 200, map[string]string{"totalResults": "2"}, ""},
			{"all groups", "GET", "/Groups", "", 200, map[string]string{"totalResults": "1"}, ""},
			{"another's group by a member", "GET", `/Groups?filter=members eq "{yamada}"`, "", 200, map[string]string{"totalResults": "0"}, ""},
		})
		refused := 0
		for _, e := range p.events("%") {
			if e.Result == string(audit.Refused) && e.ActorID == "idp" {
				refused++
			}
		}
		if refused < 6 {
			t.Errorf("%d tries are written down", refused)
		}
		// The API of a client that has both is for what its other scopes say, and sees no more for the scope of SCIM.
		p.client("idp", scopeSCIM, scopeAccountsRead)
		if body := p.send(http.MethodGet, "/accounts/"+p.ids["tanaka"], "").Body.String(); strings.Contains(body, `"tanaka@example.jp"`) {
			t.Errorf("an address that needs another scope: %s", body)
		}
	})
}

// Several things that one request changes are one act: each has its row, or none is done.
func TestSCIMChangesAllOrNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		p := newProvisioning(t, db)
		p.scim(http.MethodPatch, "/Users/{suzuki}", patch(`{"op":"replace","path":"externalId","value":"taken"}`))
		before, rows := p.row(p.tanaka), len(p.events("%"))
		w := p.scim(http.MethodPatch, "/Users/{tanaka}", patch(`{"op":"replace","path":"displayName","value":"x"},{"op":"replace","path":"externalId","value":"taken"}`))
		if w.Code != http.StatusConflict || w.at("scimType") != scimUniqueness || p.row(p.tanaka).DisplayName != before.DisplayName || len(p.events("%")) != rows {
			t.Errorf("a change that cannot be whole: %d %s", w.Code, w.Body)
		}
		p.session(p.tanaka, []byte("s"))
		w = p.scim(http.MethodPatch, "/Users/{tanaka}", patch(`{"op":"replace","value":{"displayName":"x","externalId":"t","active":false,"password":"violet-8-ferry"}}`))
		after := p.row(p.tanaka)
		if w.Code != http.StatusOK || after.DisabledAt == nil || after.DisplayName != "x" || after.PasswordHash == before.PasswordHash {
			t.Errorf("several changes: %d %s", w.Code, w.Body)
		}
		var kinds []string
		for _, e := range p.events("%")[rows:] {
			if e.ActorKind != string(audit.ByClient) || e.ActorID != "idp" || e.Result != string(audit.Success) || e.AccountID == nil || *e.AccountID != p.tanaka {
				t.Errorf("audited as %+v", e)
			}
			kinds = append(kinds, e.Type)
		}
		if want := []string{"account.update", "account.update", "account.password_set", "account.disable"}; !slices.Equal(kinds, want) {
			t.Errorf("rows %v", kinds)
		}
		if n := len(p.events("%")); p.scim(http.MethodPatch, "/Users/{tanaka}", patch(`{"op":"replace","value":{"displayName":"x","active":false}}`)).Code != 200 ||
			len(p.events("%")) != n || !p.row(p.tanaka).UpdatedAt.Equal(after.UpdatedAt) {
			t.Error("saying it again changed something")
		}
	})
}

// A password of an account there is needs its own scope.
func TestSCIMPasswordsNeedTheirScope(t *testing.T) {
	p := newProvisioning(t, storetest.SQLite(t))
	p.client("idp", scopeSCIM)
	former := p.row(p.tanaka).PasswordHash
	w := p.scim(http.MethodPatch, "/Users/{tanaka}", patch(`{"op":"replace","path":"password","value":"violet-8-ferry"},{"op":"replace","path":"displayName","value":"x"}`))
	if w.Code != http.StatusForbidden || p.row(p.tanaka).PasswordHash != former || p.row(p.tanaka).DisplayName == "x" {
		t.Errorf("without the scope: %d %s", w.Code, w.Body)
	}
	if rows := p.events(audit.PasswordSet); len(rows) != 1 || rows[0].Result != string(audit.Refused) {
		t.Errorf("written down as %+v", rows)
	}
	if w := p.scim(http.MethodPost, "/Users", `{"schemas":["`+scimUserSchema+`"],"userName":"n","password":"violet-8-ferry","emails":[{"value":"n@example.jp"}]}`); w.Code != http.StatusCreated {
		t.Errorf("a first password: %d %s", w.Code, w.Body)
	}
}

// TestSCIMIsNoWayAroundASecondOperator: what opens an account that takes one is refused, whole, and said so.
func TestSCIMIsNoWayAroundASecondOperator(t *testing.T) {
	p := newProvisioning(t, storetest.SQLite(t))
	p.guard(p.tanaka)
	former := p.row(p.tanaka)
	for _, change := range []string{
		`{"op":"replace","path":"displayName","value":"x"},{"op":"replace","path":"password","value":"violet-8-ferry"}`,
		`{"op":"replace","path":"emails[type eq \"work\"].value","value":"thief@example.jp"}`,
	} {
		w := p.scim(http.MethodPatch, "/Users/{tanaka}", patch(change))
		if w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), "approve") {
			t.Errorf("%s: %d %s", change, w.Code, w.Body)
		}
	}
	if now := p.row(p.tanaka); now.PasswordHash != former.PasswordHash || now.RegisteredEmail != former.RegisteredEmail || now.DisplayName != former.DisplayName {
		t.Errorf("changed: %+v", now)
	}
}

// RFC 7644 section 3.14: a change can name the version that it starts from, a read the one it has.
func TestSCIMVersions(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		p := newProvisioning(t, db)
		for path, body := range map[string]string{
			"/Users/{tanaka}":   patch(`{"op":"replace","path":"displayName","value":"%s"}`),
			"/Groups/{landing}": patch(`{"op":"replace","path":"displayName","value":"%s"}`),
		} {
			first := p.scim(http.MethodGet, path, "").Header().Get("ETag")
			if w := p.scim(http.MethodGet, path, "", "If-None-Match", `"x", `+first); w.Code != http.StatusNotModified || w.Body.Len() > 0 {
				t.Errorf("%s that is known: %d", path, w.Code)
			}
			if w := p.scim(http.MethodPatch, path, fmt.Sprintf(body, "a"), "If-Match", `W/"x"`); w.Code != http.StatusPreconditionFailed {
				t.Errorf("%s of another version: %d", path, w.Code)
			}
			w := p.scim(http.MethodPatch, path, fmt.Sprintf(body, "a"), "If-Match", first)
			second := p.scim(http.MethodGet, path, "")
			if w.Code >= 300 || w.Header().Get("ETag") != second.Header().Get("ETag") || second.Header().Get("ETag") == first ||
				second.at("meta.version") != second.Header().Get("ETag") {
				t.Errorf("%s of its version: %d %s", path, w.Code, w.Body)
			}
			if w := p.scim(http.MethodPatch, path, fmt.Sprintf(body, "b"), "If-Match", first); w.Code != http.StatusPreconditionFailed {
				t.Errorf("%s of a former version: %d", path, w.Code)
			}
			if w := p.scim(http.MethodDelete, path, "", "If-Match", first); w.Code != http.StatusPreconditionFailed {
				t.Errorf("delete %s of a former version: %d", path, w.Code)
			}
		}
		group := p.scim(http.MethodGet, "/Groups/{landing}", "").Header().Get("ETag")
		p.person("nakano", account.RoleBuyer)
		if p.scim(http.MethodGet, "/Groups/{landing}", "").Header().Get("ETag") == group {
			t.Error("a group with another member is of the same version")
		}
		p.ids["branch"] = p.scim(http.MethodPost, "/Groups", `{"schemas":["`+scimGroupSchema+`"],"displayName":"支社"}`).at("id")
		group = p.scim(http.MethodGet, "/Groups/{branch}", "").Header().Get("ETag")
		p.scim(http.MethodPatch, "/Groups/{branch}", patch(`{"op":"add","path":"members","value":[{"value":"{tanaka}"}]}`))
		if w := p.scim(http.MethodPatch, "/Groups/{branch}", patch(`{"op":"remove","path":"members"}`), "If-Match", group); w.Code != http.StatusPreconditionFailed {
			t.Errorf("a group that got a member meanwhile: %d", w.Code)
		}
	})
}

// Numbered pages say how many there are; a cursor goes on after a row, whatever came or went (RFC 9865).
func TestSCIMPages(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		p := newProvisioning(t, db)
		for i := range 7 {
			p.person(fmt.Sprintf("page%d", i), account.RoleBuyer)
		}
		walk := func(query string) (seen []string) {
			for next := ""; ; {
				w := p.scim(http.MethodGet, "/Users?count=3&cursor="+next+query, "")
				if w.at("totalResults") != "" || w.at("startIndex") != "" || w.Code != http.StatusOK {
					t.Fatalf("a page by cursor: %s", w.Body)
				}
				for i := range 3 {
					if name := w.at(fmt.Sprintf("Resources.%d.userName", i)); name != "" {
						seen = append(seen, name)
					}
				}
				if next = w.at("nextCursor"); next == "" {
					return seen
				}
			}
		}
		if seen := walk(""); len(seen) != 9 || slices.Contains(seen, "yamada") {
			t.Errorf("all of them are %v", seen)
		}
		if seen := walk(`&filter=userName sw "page" and not (userName ew "3")`); len(seen) != 6 {
			t.Errorf("some of them are %v", seen)
		}
		if seen := walk(`&filter=userName eq "page3"`); len(seen) != 1 {
			t.Errorf("one of them is %v", seen)
		}
		p.run([]exchange{
			{"the first page", "GET", "/Users?count=4", "", 200, map[string]string{"totalResults": "9", "startIndex": "1", "itemsPerPage": "4"}, ""},
			{"the last page", "GET", "/Users?startIndex=9&count=4", "", 200, map[string]string{"totalResults": "9", "startIndex": "9", "itemsPerPage": "1", "Resources.0.userName": "page6"}, ""},
			{"beyond it", "GET", "/Users?startIndex=10&count=4", "", 200, map[string]string{"totalResults": "9", "itemsPerPage": "0", "Resources": "0"}, ""},
			{"before it", "GET", "/Users?startIndex=-3&count=1", "", 200, map[string]string{"startIndex": "1", "itemsPerPage": "1"}, ""},
			{"how many", "GET", "/Users?count=0", "", 200, map[string]string{"totalResults": "9", "itemsPerPage": "0"}, ""},
			{"fewer than none", "GET", "/Users?count=-1", "", 200, map[string]string{"totalResults": "9", "itemsPerPage": "0"}, ""},
			{"a filtered page", "GET", `/Users?startIndex=3&count=2&filter=userName sw "page"`, "", 200, map[string]string{"totalResults": "7", "itemsPerPage": "2", "Resources.0.userName": "page2"}, ""},
			{"off ones", "GET", `/Users?filter=active eq false`, "", 200, map[string]string{"totalResults": "0"}, ""},
			{"since", "GET", `/Users?filter=meta.lastModified gt "2026-01-01T00:00:00Z"`, "", 200, map[string]string{"totalResults": "9"}, ""},
			{"groups of a name", "GET", `/Groups?filter=displayName sw "本"&cursor=`, "", 200, map[string]string{"Resources.0.id": "{landing}"}, ""},
		})
	})
}

// Where the second factor stands can be read, of every account of a page.
func TestSCIMShowsWhereTheSecondFactorStands(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		p := newProvisioning(t, db)
		p.enrol(p.suzuki)
		p.run([]exchange{{"two accounts", "GET", "/Users", "", 200, map[string]string{
			"Resources.0." + "userName": "tanaka", "Resources.1.userName": "suzuki",
		}, ""}})
		w := p.scim(http.MethodGet, `/Users?filter=`+scimFutakagiSchema+`:twoFactor.methods pr`, "")
		if w.at("totalResults") != "1" || w.at("Resources.0.id") != p.ids["suzuki"] || strings.Contains(w.Body.String(), "-2fa@") {
			t.Errorf("those who set one up: %s", w.Body)
		}
	})
}

// Nobody lets a client do what they could not do themselves.
func TestZ2_SCIMIsGivenByWhoHoldsIt(t *testing.T) {
	p := newProvisioning(t, storetest.SQLite(t))
	ctx := t.Context()
	for name, actor := range map[string]func() Actor{
		"the support desk": func() Actor { return p.actor(p.desk) },
		"a client that registers clients": func() Actor {
			p.client("registrar", scopeClients, scopeSCIM)
			a, err := p.ClientActor(ctx, p.tokens[p.token])
			must(t, err)
			return a
		},
		"the client itself": func() Actor {
			p.client("idp", scopeClients, scopeSCIM, scopeSCIMPasswords)
			a, err := p.ClientActor(ctx, p.tokens[p.token])
			must(t, err)
			return a
		},
	} {
		if err := p.SetProvisioning(ctx, actor(), "idp", store.UserGroupID(p.ids["theirs"])); err != ErrForbidden { //nolint:errorlint // the very one
			t.Errorf("%s: %v", name, err)
		}
	}
	must(t, p.SetProvisioning(ctx, p.actor(p.root), "idp", store.UserGroupID(p.ids["theirs"])))
	p.client("idp", scopeSCIM)
	p.run([]exchange{
		{"the new customer's", "GET", "/Users", "", 200, map[string]string{"totalResults": "1", "Resources.0.userName": "yamada"}, ""},
		{"and not the former one's", "GET", "/Users/{tanaka}", "", 404, nil, ""},
	})
}

// successes are the acts that were done.
func (p *program) successes() (done []store.AuditEvent) {
	for _, e := range p.events("%") {
		if e.Result == "success" {
			done = append(done, e)
		}
	}
	return done
}
