package assumptions

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
	smithy "github.com/aws/smithy-go"

	"github.com/smsqueue/smsqueue/shared/sms"
	"github.com/smsqueue/smsqueue/shared/sns/deliverylog"
)

// logLine has only the fields that the checks read.
type logLine struct {
	Notification struct{ MessageID, Timestamp string }
	Delivery     struct {
		ProviderResponse string
		Parts            int `json:"numberOfMessageParts"`
	}
}

func readLine(text string) (l logLine) {
	_ = json.Unmarshal([]byte(text), &l) // after an error, the fields of l stay empty
	return l
}

var timestamp = regexp.MustCompile(`^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,3})?$`)

// logForm looks at every line that SNS wrote since the run began.
func logForm(ctx context.Context, r *run) (Result, error) {
	m, err := r.plain()
	if err != nil {
		return Result{}, err
	}
	if _, err := r.receiptLines(ctx, m.ProviderMessageID); err != nil {
		return Result{}, err
	}
	groups, err := r.deliveryLogs()
	if err != nil {
		return Result{}, err
	}
	count, words := 0, make(map[string]bool)
	for _, group := range groups {
		lines, err := r.readLines(ctx, "", group)
		if err != nil {
			return Result{}, err
		}
		for _, text := range lines {
			l := readLine(text)
			if _, err := deliverylog.Parse([]byte(text)); err != nil {
				return differs("%v", err), nil
			}
			if l.Notification.MessageID == "" || !timestamp.MatchString(l.Notification.Timestamp) {
				return differs("a line has the message id %q and the time %q", l.Notification.MessageID, l.Notification.Timestamp), nil
			}
			count++
			words[l.Delivery.ProviderResponse] = true
		}
	}
	if count == 0 {
		return notChecked("no lines within %v", r.Patience), nil
	}
	var all []string
	for w := range words {
		all = append(all, fmt.Sprintf("%q", w))
	}
	return held("%d lines, such as %s", count, strings.Join(all, ", ")), nil
}

func (r *run) smsSettings(ctx context.Context) (map[string]string, error) {
	out, err := r.sns.GetSMSAttributes(ctx, new(sns.GetSMSAttributesInput))
	if err != nil {
		return nil, fmt.Errorf("reading SNS's settings for SMS: %w", err)
	}
	return out.Attributes, nil
}

func preferences(ctx context.Context, r *run) (Result, error) {
	if !r.Deployment.Receipts {
		return notChecked("the deployment reads no receipts"), nil
	}
	settings, err := r.smsSettings(ctx)
	if err != nil {
		return Result{}, err
	}
	rate, role := settings["DeliveryStatusSuccessSamplingRate"], settings["DeliveryStatusIAMRole"]
	return judge(rate == "100" && role != "", "sampling rate %q, a role %t", rate, role != ""), nil
}

func logRole(ctx context.Context, r *run) (Result, error) {
	settings, err := r.smsSettings(ctx)
	if err != nil {
		return Result{}, err
	}
	_, name, found := strings.Cut(settings["DeliveryStatusIAMRole"], ":role/")
	if !found {
		return notChecked("SNS has no role for its log"), nil
	}
	var out struct {
		Trust string `xml:"GetRoleResult>Role>AssumeRolePolicyDocument"`
	}
	form := url.Values{"Action": {"GetRole"}, "Version": {iamVersion}, "RoleName": {name[strings.LastIndexByte(name, '/')+1:]}}
	if err := r.query(ctx, iam, form, &out); err != nil {
		return Result{}, err
	}
	if !strings.Contains(out.Trust, "SourceAccount") {
		return notChecked("the role has no such condition"), nil
	}
	m, err := r.plain()
	if err != nil {
		return Result{}, err
	}
	lines, err := r.receiptLines(ctx, m.ProviderMessageID)
	if err != nil {
		return Result{}, err
	}
	return judge(len(lines) > 0, "%d lines within %v, with IfExists %t", len(lines), r.Patience, strings.Contains(out.Trust, "StringEqualsIfExists")), nil
}

// The method `publish` uses the permissions of the user who runs the checks.
func (r *run) publish(ctx context.Context, number sms.Number, text string, price float64, options ...func(*sns.Options)) (string, error) {
	out, err := r.sns.Publish(ctx, &sns.PublishInput{
		PhoneNumber: aws.String(number.String()), Message: aws.String(text),
		MessageAttributes: map[string]types.MessageAttributeValue{
			"AWS.SNS.SMS.SMSType":  {DataType: aws.String("String"), StringValue: aws.String("Transactional")},
			"AWS.SNS.SMS.MaxPrice": {DataType: aws.String("Number"), StringValue: aws.String(fmt.Sprintf("%.5f", price))},
		},
	}, options...)
	if err != nil {
		return "", err
	}
	return aws.ToString(out.MessageId), nil
}

// Returns the code and the text of an error of SNS.
func words(err error) (code, text string) {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode(), api.ErrorMessage()
	}
	return "", err.Error()
}

// badNumber is too long for a phone number.
const badNumber sms.Number = "+120255501421234567"

func refusedNumber(ctx context.Context, r *run) (Result, error) {
	_, err := r.publish(ctx, badNumber, "x", cheapest)
	if err == nil {
		return differs("SNS took a number of 18 digits"), nil
	}
	code, text := words(err)
	return judge(code == "InvalidParameter" && strings.Contains(text, "is not valid to publish to"), "%s: %s", code, text), nil
}

// This number is never assigned to anybody, so it cannot be verified.
const fictional sms.Number = "+12025550142"

func sandboxWords(ctx context.Context, r *run) (Result, error) {
	status, err := r.sns.GetSMSSandboxAccountStatus(ctx, new(sns.GetSMSSandboxAccountStatusInput))
	if err != nil {
		return Result{}, fmt.Errorf("asking whether the account is in the sandbox: %w", err)
	}
	if !status.IsInSandbox {
		return notChecked("the account is not in the sandbox"), nil
	}
	return r.failureWords(ctx, fictional, "sandboxed account")
}

func optedOutWords(ctx context.Context, r *run) (Result, error) {
	if r.OptedOut == "" {
		return notChecked("no number that has opted out was given (--opted-out)"), nil
	}
	return r.failureWords(ctx, r.OptedOut, "opted out")
}

// failureWords publishes to a number that gets nothing, and looks for the wanted text in
// SNS's answer and log.
func (r *run) failureWords(ctx context.Context, number sms.Number, want string) (Result, error) {
	id, err := r.publish(ctx, number, "smsqueue live test", r.share())
	if err != nil {
		code, text := words(err)
		return judge(strings.Contains(strings.ToLower(text), want), "refused at once: %s: %s", code, text), nil
	}
	lines, err := r.receiptLines(ctx, id)
	if err != nil {
		return Result{}, err
	}
	if len(lines) == 0 {
		return notChecked("no line in the delivery log within %v", r.Patience), nil
	}
	response := readLine(lines[0]).Delivery.ProviderResponse
	return judge(strings.Contains(strings.ToLower(response), want), "the log says %q", response), nil
}
