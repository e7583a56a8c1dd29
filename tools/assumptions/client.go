package assumptions

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// The API is allowed to accept a removed client for this long.
const knownFor = time.Minute

// The client exists in Cognito during the whole check, so its token stays valid.
func removedClient(ctx context.Context, r *run) (Result, error) {
	token, err := r.makeClient(ctx)
	if err != nil {
		return Result{}, err
	}
	unknown, err := r.ask(ctx, http.MethodGet, "/status", token.value, nil)
	if err != nil {
		return Result{}, err
	}
	if unknown.status != http.StatusUnauthorized {
		return differs("a client that the deployment does not know gets %v", unknown), nil
	}
	remove, err := r.addClient(ctx, token.client)
	if err != nil {
		return Result{}, err
	}
	began := time.Now()
	err = await(ctx, knownFor, time.Second, func() (bool, error) {
		got, err := r.ask(ctx, http.MethodGet, "/status", token.value, nil)
		return got.status == http.StatusOK, err
	})
	if errors.Is(err, errTimeout) {
		return differs("a new client is not let in within %v", knownFor), nil
	}
	in := time.Since(began).Round(time.Second)
	if err := errors.Join(err, remove(ctx)); err != nil {
		return Result{}, err
	}
	last, err := r.lastLetIn(ctx, token.value)
	if err != nil {
		return Result{}, err
	}
	return judge(last <= knownFor+margin, "unknown: 401; let in after %v; last let in %v after its removal", in, last.Round(time.Second)), nil
}

// The check allows this much time in addition to knownFor.
const margin = 5 * time.Second

// lastLetIn calls the API with the token of a removed client until knownFor is over. It
// returns the time from its first call to the last call that the API accepted. One
// refusal proves nothing: several processes answer, and each of them has read the clients
// at another time.
func (r *run) lastLetIn(ctx context.Context, token string) (time.Duration, error) {
	began := time.Now()
	var last time.Duration
	err := await(ctx, knownFor+2*margin, time.Second, func() (bool, error) {
		got, err := r.ask(ctx, http.MethodGet, "/status", token, nil)
		if got.status == http.StatusOK {
			last = time.Since(began)
		}
		return false, err
	})
	if errors.Is(err, errTimeout) {
		err = nil
	}
	return last, err
}

type clientToken struct{ client, value string }

// makeClient finds the deployment's user pool in the token of another client.
func (r *run) makeClient(ctx context.Context) (clientToken, error) {
	own, err := r.token()
	if err != nil {
		return clientToken{}, err
	}
	pool, err := poolOf(own)
	if err != nil {
		return clientToken{}, err
	}
	var out struct {
		UserPoolClient struct{ ClientID, ClientSecret string }
	}
	err = r.json(ctx, "cognito-idp", "AWSCognitoIdentityProviderService.CreateUserPoolClient", map[string]any{
		"UserPoolId": pool, "ClientName": "live-test-" + r.suffix, "GenerateSecret": true,
		"AllowedOAuthFlows": []string{"client_credentials"}, "AllowedOAuthFlowsUserPoolClient": true,
		"AllowedOAuthScopes": []string{"sms/read", "sms/send"}, "ExplicitAuthFlows": []string{"ALLOW_REFRESH_TOKEN_AUTH"},
	}, &out)
	if err != nil {
		return clientToken{}, err
	}
	id := out.UserPoolClient.ClientID
	r.cleanUp(func(ctx context.Context) error {
		err := r.json(ctx, "cognito-idp", "AWSCognitoIdentityProviderService.DeleteUserPoolClient", map[string]any{"UserPoolId": pool, "ClientId": id}, nil)
		return wrap(err, "removing the client "+id)
	})
	token, err := r.getToken(ctx, login{id, out.UserPoolClient.ClientSecret}, "")
	return clientToken{id, token}, err
}

func poolOf(token string) (string, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return "", errors.New("the token is not a JWT")
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return "", fmt.Errorf("reading the token: %w", err)
	}
	var claims struct {
		Issuer string `json:"iss"`
	}
	if err := json.Unmarshal(payload, &claims); err != nil {
		return "", fmt.Errorf("reading the token: %w", err)
	}
	return claims.Issuer[strings.LastIndexByte(claims.Issuer, '/')+1:], nil
}

// addClient writes the client to the table under a key that Terraform does not use.
func (r *run) addClient(ctx context.Context, id string) (remove func(context.Context) error, err error) {
	document, err := json.Marshal(map[string]any{id: map[string]any{"owner": "live-test"}})
	if err != nil {
		return nil, err
	}
	for _, digit := range "0123456789abcdef" {
		key := map[string]types.AttributeValue{"id": &types.AttributeValueMemberS{Value: "clients#" + string(digit)}}
		_, err := r.dynamodb.PutItem(ctx, &dynamodb.PutItemInput{
			TableName:           aws.String(r.Deployment.Table),
			ConditionExpression: aws.String("attribute_not_exists(id)"),
			Item:                map[string]types.AttributeValue{"id": key["id"], "clients": &types.AttributeValueMemberS{Value: string(document)}},
		})
		if _, taken := errors.AsType[*types.ConditionalCheckFailedException](err); taken {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("adding a client: %w", err)
		}
		remove := func(ctx context.Context) error {
			_, err := r.dynamodb.DeleteItem(ctx, &dynamodb.DeleteItemInput{
				TableName: aws.String(r.Deployment.Table), Key: key,
				ConditionExpression:       aws.String("clients = :ours"),
				ExpressionAttributeValues: map[string]types.AttributeValue{":ours": &types.AttributeValueMemberS{Value: string(document)}},
			})
			if _, gone := errors.AsType[*types.ConditionalCheckFailedException](err); gone {
				return nil
			}
			return wrap(err, "removing a client")
		}
		r.cleanUp(remove)
		return remove, nil
	}
	return nil, errors.New("the deployment has so many clients that every item for clients is in use")
}
