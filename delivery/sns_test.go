package delivery

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const published = `<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult><MessageId>m-1</MessageId></PublishResult></PublishResponse>`

func TestSNSRequest(t *testing.T) {
	for from, attribute := range map[string]string{"": "", "EXAMPLE": "AWS.SNS.SMS.SenderID", "+815012345678": "AWS.MM.SMS.OriginationNumber", "12345": "AWS.MM.SMS.OriginationNumber"} {
		t.Run("from "+from, func(t *testing.T) {
			var seen requests
			s := gateway(t, func(w http.ResponseWriter, r *http.Request) {
				seen.take(t, r)
				fmt.Fprint(w, published)
			})
			m := sampleText
			m.From = from
			receipt, err := adapters()[1].make(t, s.URL, time.Minute).Send(t.Context(), m)
			if err != nil || receipt.Reply != "200 m-1" {
				t.Fatalf("%+v, %v", receipt, err)
			}
			got := seen.one(t)
			if got.method != "POST" || got.target != "/" {
				t.Errorf("%s %s", got.method, got.target)
			}
			checkSigV4(t, got, "AKIDEXAMPLE", canaryKey, "ap-northeast-1")
			form, err := url.ParseQuery(got.body)
			if err != nil {
				t.Fatal(err)
			}
			attributes := map[string]string{}
			for i := 1; form.Has(fmt.Sprintf("MessageAttributes.entry.%d.Name", i)); i++ {
				entry := fmt.Sprintf("MessageAttributes.entry.%d.", i)
				if form.Get(entry+"Value.DataType") != "String" {
					t.Errorf("%v", form)
				}
				attributes[form.Get(entry+"Name")] = form.Get(entry + "Value.StringValue")
			}
			want := map[string]string{"AWS.SNS.SMS.SMSType": "Transactional"}
			if attribute != "" {
				want[attribute] = from
			}
			if diff := cmp.Diff(want, attributes); diff != "" {
				t.Error(diff)
			}
			if form.Get("Action") != "Publish" || form.Get("PhoneNumber") != sampleText.To || form.Get("Message") != sampleText.Body || form.Has("TopicArn") {
				t.Errorf("form %v", form)
			}
		})
	}
}

// checkSigV4 computes the signature of a request anew, from AWS's description of Signature Version 4.
func checkSigV4(t *testing.T, r request, key, secret, region string) {
	t.Helper()
	m := regexp.MustCompile(`^AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/sns/aws4_request, SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})$`).
		FindStringSubmatch(r.header.Get("Authorization"))
	if m == nil || m[1] != key || m[3] != region {
		t.Fatalf("Authorization: %s", r.header.Get("Authorization"))
	}
	var headers strings.Builder
	for name := range strings.SplitSeq(m[4], ";") {
		value := r.header.Get(name)
		switch name {
		case "host":
			value = r.host
		case "content-length":
			value = fmt.Sprint(len(r.body))
		}
		headers.WriteString(name + ":" + strings.TrimSpace(value) + "\n")
	}
	sum := func(s string) string {
		h := sha256.Sum256([]byte(s))
		return hex.EncodeToString(h[:])
	}
	sign := func(key []byte, s string) []byte {
		h := hmac.New(sha256.New, key)
		h.Write([]byte(s))
		return h.Sum(nil)
	}
	canonical := strings.Join([]string{r.method, r.target, "", headers.String(), m[4], sum(r.body)}, "\n")
	scope := m[2] + "/" + region + "/sns/aws4_request"
	toSign := strings.Join([]string{"AWS4-HMAC-SHA256", r.header.Get("X-Amz-Date"), scope, sum(canonical)}, "\n")
	k := []byte("AWS4" + secret)
	for _, part := range []string{m[2], region, "sns", "aws4_request"} {
		k = sign(k, part)
	}
	if got := hex.EncodeToString(sign(k, toSign)); got != m[5] {
		t.Errorf("signature %s, want %s", m[5], got)
	}
	if !strings.Contains(m[4], "host") || !strings.Contains(m[4], "x-amz-date") {
		t.Errorf("signed headers: %s", m[4])
	}
}

func TestSNSAnswers(t *testing.T) {
	for _, tc := range []struct {
		status        int
		code, message string
		permanent     bool
	}{
		{400, "InvalidParameter", "PhoneNumber is not valid", true},
		{400, "OptedOut", "the number opted out", true},
		{403, "AuthorizationError", "not authorized", true},
		{403, "SignatureDoesNotMatch", "wrong key", true},
		{400, "Throttling", "Rate exceeded", false},
		{400, "ThrottlingException", "Rate exceeded", false},
		{429, "Throttled", "Rate exceeded", false},
		{400, "RequestTimeout", "too slow", false},
		{500, "InternalError", "Internal error", false},
		{503, "ServiceUnavailable", "try later", false},
	} {
		t.Run(tc.code, func(t *testing.T) {
			s := gateway(t, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(tc.status)
				fmt.Fprintf(w, `<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error><RequestId>r-1</RequestId></ErrorResponse>`, tc.code, tc.message)
			})
			e := failure(t, adapters()[1].make(t, s.URL, time.Minute))
			if want := fmt.Sprint(tc.status, " ", tc.code, " ", tc.message); e.Permanent != tc.permanent || e.Reply != want {
				t.Errorf("permanent %v, reply %q, want %q", e.Permanent, e.Reply, want)
			}
		})
	}
}

// Without keys of its own the adapter signs in as every AWS tool on the machine does.
func TestSNSUsesTheDefaultChain(t *testing.T) {
	nowhere := filepath.Join(t.TempDir(), "none")
	for _, name := range []string{"AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"} {
		t.Setenv(name, nowhere)
	}
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	for _, name := range []string{
		"AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_WEB_IDENTITY_TOKEN_FILE",
		"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI",
	} {
		t.Setenv(name, "")
	}
	var seen requests
	s := gateway(t, func(w http.ResponseWriter, r *http.Request) {
		seen.take(t, r)
		fmt.Fprint(w, published)
	})
	made := func() SMS {
		return must(NewSNS(t.Context(), SNSConfig{Region: "ap-northeast-1", Endpoint: s.URL, Timeout: 10 * time.Second}))(t)
	}
	if e := failure(t, made()); e.Permanent || e.Reply != "no credentials for the gateway" || len(seen.all) != 0 {
		t.Errorf("without credentials: permanent %v, %q, %d requests", e.Permanent, e.Reply, len(seen.all))
	}
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIDFROMENV")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "from the environment")
	if _, err := made().Send(t.Context(), sampleText); err != nil {
		t.Fatal(err)
	}
	checkSigV4(t, seen.one(t), "AKIDFROMENV", "from the environment", "ap-northeast-1")
}
