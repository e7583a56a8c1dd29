package assumptions

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sns"
)

const iamVersion = "2010-05-08"

// iam is one service for all Regions.
var iam = call{host: "iam", awsRegion: "us-east-1"}

// The temporary role is allowed to publish to phones, and to do nothing else.
func publishOnly(ctx context.Context, r *run) (Result, error) {
	if r.Number == "" {
		return Result{}, errNoNumber
	}
	if _, err := r.plain(); err != nil { // nothing is sent if the ceiling does not work
		return Result{}, err
	}
	role, err := r.makeRole(ctx, `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sns:Publish", "Resource": "*"}]}`)
	if err != nil {
		return Result{}, err
	}
	// Until the role's policy is in force everywhere, SNS answers that the role lacks the
	// permission.
	var refusal string
	err = await(ctx, time.Minute, 5*time.Second, func() (bool, error) {
		_, err := r.publish(ctx, r.Number, "smsqueue live test: a text by a role with one permission", r.share(), func(o *sns.Options) { o.Credentials = role })
		if err == nil {
			refusal = ""
			return true, nil
		}
		code, text := words(err)
		if code != "AuthorizationError" && code != "AccessDenied" && code != "InvalidClientTokenId" {
			return false, fmt.Errorf("publishing as a temporary role: %w", err)
		}
		refusal = text
		return strings.Contains(text, "sms-voice"), nil
	})
	if err != nil && !errors.Is(err, errTimeout) {
		return Result{}, err
	}
	return judge(refusal == "", "taken: %t %s", refusal == "", refusal), nil
}

func (r *run) makeRole(ctx context.Context, policy string) (credentials.StaticCredentialsProvider, error) {
	var none credentials.StaticCredentialsProvider
	account, err := r.account()
	if err != nil {
		return none, err
	}
	name := r.Deployment.Name + "-live-test-" + r.suffix
	arn := "arn:" + partition(r.Config.Region) + ":iam::" + account
	trust := fmt.Sprintf(`{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "%s:root"}, "Action": "sts:AssumeRole"}]}`, arn)
	form := func(action string, more ...string) url.Values {
		f := url.Values{"Action": {action}, "Version": {iamVersion}, "RoleName": {name}}
		for i := 0; i < len(more); i += 2 {
			f.Set(more[i], more[i+1])
		}
		return f
	}
	if err := r.query(ctx, iam, form("CreateRole", "AssumeRolePolicyDocument", trust), nil); err != nil {
		return none, err
	}
	r.cleanUp(func(ctx context.Context) error {
		return wrap(r.query(ctx, iam, form("DeleteRole"), nil), "removing the role "+name)
	})
	if err := r.query(ctx, iam, form("PutRolePolicy", "PolicyName", "publish", "PolicyDocument", policy), nil); err != nil {
		return none, err
	}
	r.cleanUp(func(ctx context.Context) error {
		return wrap(r.query(ctx, iam, form("DeleteRolePolicy", "PolicyName", "publish"), nil), "removing the role's policy")
	})
	var out struct {
		KeyID  string `xml:"AssumeRoleResult>Credentials>AccessKeyId"`
		Secret string `xml:"AssumeRoleResult>Credentials>SecretAccessKey"`
		Token  string `xml:"AssumeRoleResult>Credentials>SessionToken"`
	}
	assume := url.Values{
		"Action": {"AssumeRole"}, "Version": {"2011-06-15"}, "RoleArn": {arn + ":role/" + name}, "RoleSessionName": {"live-test"},
	}
	err = await(ctx, time.Minute, 5*time.Second, func() (bool, error) { // a new role does not work at once
		err := r.query(ctx, call{host: "sts"}, assume, &out)
		if denied, ok := errors.AsType[*apiError](err); ok && denied.says("AccessDenied") {
			return false, nil
		}
		return err == nil, err
	})
	if err != nil {
		return none, fmt.Errorf("becoming the temporary role: %w", err)
	}
	return credentials.NewStaticCredentialsProvider(out.KeyID, out.Secret, out.Token), nil
}
