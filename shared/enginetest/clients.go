package enginetest

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// PutClients writes clients, a JSON object by client id, as one of the items that
// Terraform writes. It replaces the clients of an earlier call.
func PutClients(ctx context.Context, client *dynamodb.Client, table, clients string) error {
	_, err := client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &table,
		Item: map[string]types.AttributeValue{
			"id":      &types.AttributeValueMemberS{Value: "clients#0"},
			"clients": &types.AttributeValueMemberS{Value: clients},
		},
	})
	return err
}
