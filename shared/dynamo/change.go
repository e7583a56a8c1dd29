package dynamo

import (
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// change collects the parts of one conditional write: the attributes that it sets, the
// attributes that it removes, and its conditions. In all paths and conditions, every
// attribute name begins with #.
type change struct {
	sets, removes, conditions []string
	values                    attributes
}

// value adds v to the values of the write, and returns the placeholder for v.
func (c *change) value(v types.AttributeValue) string {
	if c.values == nil {
		c.values = attributes{}
	}
	placeholder := ":v" + strconv.Itoa(len(c.values))
	c.values[placeholder] = v
	return placeholder
}

func (c *change) set(path string, v types.AttributeValue) {
	c.sets = append(c.sets, path+" = "+c.value(v))
}

// require adds a condition to the write. Each question mark in the condition is replaced
// with the placeholder of a value, in order.
func (c *change) require(condition string, values ...types.AttributeValue) {
	for _, v := range values {
		condition = strings.Replace(condition, "?", c.value(v), 1)
	}
	c.conditions = append(c.conditions, "("+condition+")")
}

// requireSame adds the condition that the item's attributes with these names have the
// same values as the attributes in a.
func (c *change) requireSame(a attributes, names ...string) {
	for _, name := range names {
		if v, there := a[name]; there {
			c.require("#"+name+" = ?", v)
		} else {
			c.requireAbsent("#" + name)
		}
	}
}

func (c *change) requireAbsent(paths ...string) {
	for _, path := range paths {
		c.require("attribute_not_exists(" + path + ")")
	}
}

func (c *change) requireLive(now time.Time) {
	c.require("attribute_not_exists(#purgeAt) OR #purgeAt > ?", num(toMillis(now)))
}

// turn adds the updates that turn old into next. Attributes that are neither in old nor
// in next stay as they are, even within maps and lists.
func (c *change) turn(old, next attributes) { c.turnMap("", old, next) }

func (c *change) turnMap(parent string, old, next attributes) {
	for _, name := range slices.Sorted(maps.Keys(next)) {
		if before, there := old[name]; there {
			c.turnValue(parent+"#"+name, before, next[name])
		} else {
			c.set(parent+"#"+name, next[name])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(old)) {
		if _, there := next[name]; !there {
			c.removes = append(c.removes, parent+"#"+name)
		}
	}
}

func (c *change) turnValue(path string, old, next types.AttributeValue) {
	if equal(old, next) {
		return
	}
	switch next := next.(type) {
	case *types.AttributeValueMemberM:
		if old, ok := old.(*types.AttributeValueMemberM); ok {
			c.turnMap(path+".", old.Value, next.Value)
			return
		}
	case *types.AttributeValueMemberL:
		if old, ok := old.(*types.AttributeValueMemberL); ok {
			c.turnList(path, old.Value, next.Value)
			return
		}
	}
	c.set(path, next)
}

// turnList adds the updates that turn the list old into next. It appends elements,
// changes elements in place, or removes elements.
func (c *change) turnList(path string, old, next []types.AttributeValue) {
	element := func(i int) string { return path + "[" + strconv.Itoa(i) + "]" }
	if len(next) > len(old) && equal(old, next[:len(old)]) {
		c.sets = append(c.sets, path+" = list_append("+path+", "+c.value(list(next[len(old):]...))+")")
		return
	}
	if len(next) == len(old) {
		for i := range next {
			c.turnValue(element(i), old[i], next[i])
		}
		return
	}
	var gone []string
	kept := 0
	for i := range old {
		if kept < len(next) && equal(old[i], next[kept]) {
			kept++
		} else {
			gone = append(gone, element(i))
		}
	}
	if kept == len(next) {
		c.removes = append(c.removes, gone...)
		return
	}
	c.set(path, list(next...))
}

func equal(a, b any) bool { return reflect.DeepEqual(a, b) }

var attributeName = regexp.MustCompile(`#([A-Za-z_]+)`)

// input returns the request that carries out c on the item with this id. The answer
// contains the whole item: as it is after the write, or unchanged if a condition is
// false.
func (c *change) input(table, id string) *dynamodb.UpdateItemInput {
	var update strings.Builder
	if len(c.sets) > 0 {
		update.WriteString("SET " + strings.Join(c.sets, ", "))
	}
	if len(c.removes) > 0 {
		update.WriteString(" REMOVE " + strings.Join(c.removes, ", "))
	}
	condition := strings.Join(c.conditions, " AND ")
	return &dynamodb.UpdateItemInput{
		TableName:                           aws.String(table),
		Key:                                 attributes{"id": str(id)},
		UpdateExpression:                    aws.String(update.String()),
		ConditionExpression:                 aws.String(condition),
		ExpressionAttributeNames:            names(update.String() + condition),
		ExpressionAttributeValues:           c.values,
		ReturnValues:                        types.ReturnValueAllNew,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
}

// names returns the attribute names in an expression, for the field
// ExpressionAttributeNames. In the expression, all names begin with #, so that no name
// can be a reserved word.
func names(expression string) map[string]string {
	found := map[string]string{}
	for _, match := range attributeName.FindAllStringSubmatch(expression, -1) {
		found[match[0]] = match[1]
	}
	return found
}
