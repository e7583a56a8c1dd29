package enginetest

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// PutClients writes clients in the form in which Terraform writes them. It replaces the
// clients of an earlier call. The parameter `clients` is a JSON object whose keys are
// client ids.
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
