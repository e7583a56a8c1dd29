package enginetest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Table returns the keys and indexes of the table that package dynamo uses. Terraform
// makes the same table on AWS, and adds a TTL.
func Table(table string) *dynamodb.CreateTableInput {
	attribute := func(name string, kind types.ScalarAttributeType) types.AttributeDefinition {
		return types.AttributeDefinition{AttributeName: aws.String(name), AttributeType: kind}
	}
	return &dynamodb.CreateTableInput{
		TableName:   aws.String(table),
		BillingMode: types.BillingModePayPerRequest,
		KeySchema:   keySchema("id"),
		AttributeDefinitions: []types.AttributeDefinition{
			attribute("id", types.ScalarAttributeTypeS),
			attribute("due_shard", types.ScalarAttributeTypeS),
			attribute("due_at", types.ScalarAttributeTypeN),
			attribute("provider_ref", types.ScalarAttributeTypeS),
			attribute("unmatched", types.ScalarAttributeTypeS),
			attribute("list_shard", types.ScalarAttributeTypeS),
			attribute("list_at", types.ScalarAttributeTypeS),
		},
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{
			index("due", keySchema("due_shard", "due_at"), "createdAt", "due_round", "expiresAt", "owner", "purgeAt", "receipt"),
			index("provider", keySchema("provider_ref")),
			index("unmatched", keySchema("unmatched"), "receipt"),
			index("list", keySchema("list_shard", "list_at"), "phoneNumber", "reference"),
		},
	}
}

// CreateTable creates the table that [Table] describes, unless this table exists already.
// It waits until the table can be used.
func CreateTable(ctx context.Context, client *dynamodb.Client, table string) error {
	_, err := client.CreateTable(ctx, Table(table))
	if _, there := errors.AsType[*types.ResourceInUseException](err); err != nil && !there {
		return fmt.Errorf("creating table %s: %w", table, err)
	}
	ready := dynamodb.NewTableExistsWaiter(client, func(o *dynamodb.TableExistsWaiterOptions) {
		o.MinDelay = 100 * time.Millisecond
	})
	if err := ready.Wait(ctx, &dynamodb.DescribeTableInput{TableName: aws.String(table)}, time.Minute); err != nil {
		return fmt.Errorf("waiting for table %s: %w", table, err)
	}
	return nil
}

func index(name string, keys []types.KeySchemaElement, include ...string) types.GlobalSecondaryIndex {
	projection := &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly}
	if len(include) > 0 {
		projection = &types.Projection{ProjectionType: types.ProjectionTypeInclude, NonKeyAttributes: include}
	}
	return types.GlobalSecondaryIndex{IndexName: aws.String(name), KeySchema: keys, Projection: projection}
}

// keySchema returns a key schema: the first name is the partition key, and the second name, if there is one,
// is the sort key.
func keySchema(names ...string) []types.KeySchemaElement {
	kinds := []types.KeyType{types.KeyTypeHash, types.KeyTypeRange}
	var keys []types.KeySchemaElement
	for i, name := range names {
		keys = append(keys, types.KeySchemaElement{AttributeName: aws.String(name), KeyType: kinds[i]})
	}
	return keys
}
