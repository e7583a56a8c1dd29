package apimodel

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
)

// AWS's models do not describe policies. The functions below check two things: the
// grammar of a policy, and whether each of its actions is an operation of a service. AWS
// itself accepts an unknown action without an error.

// permissions lists valid actions that are not operations of a service.
var permissions = []string{"lambda:InvokeFunction", "events:InvokeApiDestination"}

// secondServices maps a service to a second service. In policies, the actions of both
// have the same prefix.
var secondServices = map[string]string{"dynamodb": "streams.dynamodb"}

// In a policy, a list with one element can be written as this element alone.
type policy struct {
	Version   string
	ID        string `json:"Id"`
	Statement []struct {
		Sid, Effect                                    string
		Principal, NotPrincipal, Resource, NotResource any
		Action, NotAction                              any
		Condition                                      map[string]map[string]any
	}
}

// The method `policy` checks a text if it is a policy document. It ignores any other text.
func (c *check) policy(path, text string) {
	if !strings.HasPrefix(text, "{") || !strings.Contains(text, `"Statement"`) {
		return
	}
	var p policy
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&p); err != nil {
		c.violates(path, Policy, "reading the policy: %v", err)
		return
	}
	if p.Version != "2012-10-17" {
		c.violates(path, Policy, "got version %q, want 2012-10-17", p.Version)
	}
	for _, s := range p.Statement {
		if s.Effect != "Allow" && s.Effect != "Deny" {
			c.violates(path, Policy, "got effect %q, want Allow or Deny", s.Effect)
		}
		if (s.Action == nil) == (s.NotAction == nil) {
			c.violates(path, Policy, "the statement %q needs either Action or NotAction", s.Sid)
		}
		if s.Resource == nil && s.NotResource == nil && s.Principal == nil && s.NotPrincipal == nil {
			c.violates(path, Policy, "the statement %q names neither a resource nor a principal", s.Sid)
		}
		for operator := range s.Condition {
			if !operators.MatchString(operator) {
				c.violates(path, Policy, "AWS has no condition operator %q", operator)
			}
		}
		for _, action := range slices.Concat(texts(s.Action), texts(s.NotAction)) {
			if known, err := c.models.action(action); err != nil {
				c.violates(path, Unreadable, "%v", err)
			} else if !known {
				c.violates(path, Policy, "AWS has no action %q", action)
			}
		}
	}
}

// Source: IAM User Guide, "IAM JSON policy elements: Condition operators".
var operators = regexp.MustCompile(`^(Null|(ForAllValues:|ForAnyValue:)?(` +
	`String(Not)?(Equals(IgnoreCase)?|Like)|(Numeric|Date)((Not)?Equals|(Less|Greater)Than(Equals)?)|` +
	`Bool|BinaryEquals|(Not)?IpAddress|Arn(Not)?(Equals|Like))(IfExists)?)$`)

// Returns the strings of a list, or a list with one string if v is a string.
func texts(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		var all []string
		for _, one := range v {
			all = append(all, texts(one)...)
		}
		return all
	}
	return nil
}

// The method `action` reports whether an action in a policy, such as kms:ReEncrypt*, is an
// operation of a service.
func (m *Models) action(name string) (bool, error) {
	if name == "*" || slices.Contains(permissions, name) {
		return true, nil
	}
	prefix, operation, _ := strings.Cut(name, ":")
	for _, of := range []string{prefix, secondServices[prefix]} {
		s, err := m.service(of)
		if err != nil {
			return false, err
		}
		if s == nil {
			continue
		}
		start, wild := strings.CutSuffix(operation, "*")
		for known := range s.Operations {
			if known == operation || wild && strings.HasPrefix(known, start) {
				return true, nil
			}
		}
	}
	return false, nil
}
