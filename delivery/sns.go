package delivery

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/logging"
)

// SNSConfig says how to send through Amazon SNS.
type SNSConfig struct {
	// Region is the AWS region, such as ap-northeast-1.
	Region string
	// Endpoint is where the service is reached; the region's if empty.
	Endpoint string
	// AccessKeyID and SecretAccessKey sign in. Without them the SDK looks where it always does: the environment, the shared
	// files, and the role of the pod, the container or the machine.
	AccessKeyID, SecretAccessKey string
	// Timeout is the longest wait for an answer; 10 s if zero.
	Timeout time.Duration
}

// SNS sends text messages through Amazon SNS. It is safe for concurrent use.
//
// The service knows no repeated request when it goes to a phone, so the SDK's own retries are off, and a message is tried again
// only when the failure says that it was not taken over: no connection came about, or an answer of the service itself says so.
type SNS struct {
	client  *sns.Client
	http    *http.Client
	timeout time.Duration
}

var awsRegion = regexp.MustCompile(`^[a-z]{2,}(-[a-z]+)+-[0-9]{1,2}$`)

// NewSNS returns an SNS. It reads the SDK's environment and files when no keys are given, and does not connect.
func NewSNS(ctx context.Context, cfg SNSConfig) (*SNS, error) {
	if !awsRegion.MatchString(cfg.Region) {
		return nil, errors.New("make SNS sender: the region is not of the form ap-northeast-1")
	}
	if (cfg.AccessKeyID == "") != (cfg.SecretAccessKey == "") {
		return nil, errors.New("make SNS sender: access key id and secret access key go together")
	}
	if cfg.Endpoint != "" {
		if _, err := checkEndpoint(cfg.Endpoint); err != nil {
			return nil, fmt.Errorf("make SNS sender: endpoint: %w", err)
		}
	}
	timeout, err := checkTimeout(cfg.Timeout)
	if err != nil {
		return nil, fmt.Errorf("make SNS sender: %w", err)
	}
	settings := aws.Config{Region: cfg.Region, Credentials: credentials.NewStaticCredentialsProvider(cfg.AccessKeyID, cfg.SecretAccessKey, "")}
	if cfg.AccessKeyID == "" {
		if settings, err = config.LoadDefaultConfig(ctx, config.WithRegion(cfg.Region)); err != nil {
			return nil, fmt.Errorf("make SNS sender: read the SDK's settings: %w", err)
		}
	}
	client := sns.NewFromConfig(settings, func(o *sns.Options) {
		o.Retryer = aws.NopRetryer{}
		o.Logger = logging.Nop{}
		if cfg.Endpoint != "" {
			o.BaseEndpoint = &cfg.Endpoint
		}
	})
	return &SNS{client: client, http: newGatewayClient(), timeout: timeout}, nil
}

// Send hands m to SNS.
func (s *SNS) Send(ctx context.Context, m Text) (Receipt, error) {
	if err := checkText(m); err != nil {
		return Receipt{}, &SendError{Permanent: true, Reply: "the message could not be composed", Err: err}
	}
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	x := &exchange{client: s.http}
	out, err := s.client.Publish(ctx, publication(m), func(o *sns.Options) { o.HTTPClient = x })
	if err == nil {
		id := aws.ToString(out.MessageId)
		return Receipt{Reply: strings.TrimSpace(fmt.Sprintf("%d %s", x.status, id)), ID: id}, nil
	}
	if x.status >= 200 && x.status < 300 {
		// It cannot be read, but it says that the message is theirs.
		return Receipt{Reply: fmt.Sprintf("%d without a readable answer", x.status)}, nil
	}
	return Receipt{}, snsFailure(x, err)
}

// publication is the request. Codes go the way that is made for what cannot wait.
func publication(m Text) *sns.PublishInput {
	text := func(value string) types.MessageAttributeValue {
		return types.MessageAttributeValue{DataType: aws.String("String"), StringValue: &value}
	}
	attributes := map[string]types.MessageAttributeValue{"AWS.SNS.SMS.SMSType": text("Transactional")}
	switch {
	case m.From == "":
	case strings.Trim(m.From, "+0123456789") == "":
		attributes["AWS.MM.SMS.OriginationNumber"] = text(m.From)
	default:
		attributes["AWS.SNS.SMS.SenderID"] = text(m.From)
	}
	return &sns.PublishInput{PhoneNumber: &m.To, Message: &m.Body, MessageAttributes: attributes}
}

// snsFailure reads what became of a message that was not, or not surely, taken over.
func snsFailure(x *exchange, err error) *SendError {
	if !x.asked {
		return &SendError{Reply: "no credentials for the gateway", Err: err}
	}
	if x.status == 0 {
		return x.unanswered(unrepeatable, err)
	}
	failure, ok := errors.AsType[smithy.APIError](err)
	if !ok || failure.ErrorCode() == "UnknownError" {
		return x.refused(unrepeatable, false, "")
	}
	e := x.refused(unrepeatable, true, failure.ErrorCode()+" "+failure.ErrorMessage())
	// The service asks for patience under several names, with status 400 too.
	for _, codes := range []map[string]struct{}{retry.DefaultThrottleErrorCodes, retry.DefaultRetryableErrorCodes} {
		if _, ok := codes[failure.ErrorCode()]; ok {
			e.Permanent = false
		}
	}
	return e
}
