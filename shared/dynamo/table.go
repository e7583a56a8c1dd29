package dynamo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Definition is the table that a Store works on: its keys and indexes, the same
// that Terraform gives it on AWS. There it also has a TTL on the attribute
// purge; without one, what is past its retention is absent to readers all the
// same.
//
// All indexes are sparse. Each shows only what its readers need and what no
// change of status touches, unless that is what the index is for: a write that
// changes none of it costs nothing in the index.
//
//	due        due_shard, due_at       what is due, of each kind in shards, by time
//	provider   provider_ref            the message that a provider message id belongs to
//	unmatched  unmatched               by number: messages for which a receipt may come, kept receipts
//	list       list_shard, list_at     an owner's messages in shards, by creation
func Definition(table string) *dynamodb.CreateTableInput {
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
			index(indexDue, keySchema("due_shard", "due_at"), "createdAt", "due_round", "expiresAt", "owner", "purgeAt", "receipt"),
			index(indexProvider, keySchema("provider_ref")),
			index(indexUnmatched, keySchema("unmatched"), "receipt"),
			index(indexList, keySchema("list_shard", "list_at"), "phoneNumber", "reference"),
		},
	}
}

// CreateTable creates the table of [Definition], unless it is there, and waits
// until it can be used: for tests and emulators.
func CreateTable(ctx context.Context, client *dynamodb.Client, table string) error {
	_, err := client.CreateTable(ctx, Definition(table))
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

// keySchema is a partition key and perhaps a sort key.
func keySchema(names ...string) []types.KeySchemaElement {
	kinds := []types.KeyType{types.KeyTypeHash, types.KeyTypeRange}
	var keys []types.KeySchemaElement
	for i, name := range names {
		keys = append(keys, types.KeySchemaElement{AttributeName: aws.String(name), KeyType: kinds[i]})
	}
	return keys
}
