package assumptions

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/smsqueue/smsqueue/shared/sms"
)

const cloudWatchVersion = "2010-08-01"

func concurrency(ctx context.Context, r *run) (Result, error) {
	var out struct {
		AccountLimit struct{ ConcurrentExecutions int }
	}
	if err := r.get(ctx, "lambda", "/2016-08-19/account-settings/", &out); err != nil {
		return Result{}, err
	}
	const small = 10
	if n := out.AccountLimit.ConcurrentExecutions; n > small {
		return notChecked("%d: the account is not new", n), nil
	}
	return judge(out.AccountLimit.ConcurrentExecutions == small, "%d", out.AccountLimit.ConcurrentExecutions), nil
}

func alarms(ctx context.Context, r *run) (Result, error) {
	var out struct {
		Alarms []alarm `xml:"DescribeAlarmsResult>MetricAlarms>member"`
	}
	form := url.Values{"Action": {"DescribeAlarms"}, "Version": {cloudWatchVersion}, "AlarmNamePrefix": {r.Deployment.Name + "-"}, "MaxRecords": {"100"}}
	if err := r.query(ctx, call{host: "monitoring"}, form, &out); err != nil {
		return Result{}, err
	}
	return judgeAlarms(r.Deployment.Name, out.Alarms), nil
}

type alarm struct {
	Name    string `xml:"AlarmName"`
	State   string `xml:"StateValue"`
	Missing string `xml:"TreatMissingData"`
}

// An alarm that ignores missing data stays in its first state until there are data. One
// such alarm is about the pipe, which reports no data before the first change.
func (a alarm) quiet() bool {
	return a.State == "OK" || a.State == "INSUFFICIENT_DATA" && a.Missing == "ignore"
}

func judgeAlarms(deployment string, all []alarm) Result {
	var wrong []string
	for _, a := range all {
		if !a.quiet() {
			wrong = append(wrong, strings.TrimPrefix(a.Name, deployment+"-")+" "+a.State)
		}
	}
	slices.Sort(wrong)
	return judge(len(wrong) == 0 && len(all) > 0, "%d alarms; not OK: %d %s", len(all), len(wrong), strings.Join(wrong, ", "))
}

type point struct {
	At    time.Time `xml:"Timestamp"`
	Sum   float64
	Worst float64 `xml:"Maximum"`
}

// Returns the points of a metric, the earliest first.
func (w wire) metric(ctx context.Context, namespace, name string, dimension [2]string, from, to time.Time, period time.Duration) ([]point, error) {
	form := url.Values{
		"Action": {"GetMetricStatistics"}, "Version": {cloudWatchVersion}, "Namespace": {namespace}, "MetricName": {name},
		"StartTime": {from.UTC().Format(time.RFC3339)}, "EndTime": {to.UTC().Format(time.RFC3339)},
		"Period": {fmt.Sprint(int(period.Seconds()))}, "Statistics.member.1": {"Sum"}, "Statistics.member.2": {"Maximum"},
	}
	if dimension[0] != "" {
		form.Set("Dimensions.member.1.Name", dimension[0])
		form.Set("Dimensions.member.1.Value", dimension[1])
	}
	var out struct {
		Points []point `xml:"GetMetricStatisticsResult>Datapoints>member"`
	}
	err := w.query(ctx, call{host: "monitoring"}, form, &out)
	slices.SortFunc(out.Points, func(a, b point) int { return a.At.Compare(b.At) })
	return out.Points, err
}

// relayRuns ignores the last three minutes, because metrics come late.
func relayRuns(ctx context.Context, r *run) (Result, error) {
	const minutes, fewest = 10, 5
	to := time.Now().Truncate(time.Minute).Add(-3 * time.Minute)
	relay := [2]string{"FunctionName", r.Deployment.Relay}
	points, err := r.metric(ctx, "AWS/Lambda", "Invocations", relay, to.Add(-minutes*time.Minute), to, time.Minute)
	if err != nil {
		return Result{}, err
	}
	if len(points) == 0 {
		return differs("no run between 13 and 3 minutes ago"), nil
	}
	possible := int(to.Sub(points[0].At).Minutes()) // less than the constant minutes if the deployment is younger
	if possible < fewest {
		return notChecked("the relay began less than %d minutes ago", fewest+3), nil
	}
	return judge(len(points) >= possible-1, "runs in %d of %d minutes", len(points), possible), nil
}

// Returns the amount that the account has spent on SMS this month, if this amount is
// known.
func (w wire) spent(ctx context.Context, now time.Time) (usd float64, known bool, err error) {
	points, err := w.metric(ctx, "AWS/SNS", "SMSMonthToDateSpentUSD", [2]string{}, now.Add(-24*time.Hour), now, time.Hour)
	for _, p := range points {
		if p.At.UTC().Month() == now.UTC().Month() {
			usd, known = max(usd, p.Worst), true
		}
	}
	return usd, known, err
}

func spendMetric(ctx context.Context, r *run) (Result, error) {
	m, err := r.plain()
	if err != nil {
		return Result{}, err
	}
	var usd float64
	var known bool
	err = await(ctx, r.Patience, 15*time.Second, func() (bool, error) {
		var err error
		usd, known, err = r.spent(ctx, time.Now())
		return known, err
	})
	if err != nil && !errors.Is(err, errTimeout) {
		return Result{}, err
	}
	if !known { // only the receipt shows whether AWS bills the message
		if m, err = r.follow(ctx, m, time.Second, time.Second, func(m message) bool { return m.Status != sms.Sent }); err != nil {
			return Result{}, err
		}
	}
	return judgeSpending(m, usd, known), nil
}

// Without a receipt, it is unknown whether AWS bills m.
func judgeSpending(m message, usd float64, known bool) Result {
	price, _ := m.PriceUSD.Float64() // 0 if there is no price
	switch {
	case known:
		return held("%.5f USD this month", usd)
	case price > 0:
		return differs("the metric has no value, although a message cost %s USD", m.PriceUSD)
	}
	return notChecked("the metric has no value, and no receipt has a price")
}

func expiry(ctx context.Context, r *run) (Result, error) {
	out, err := r.dynamodb.DescribeTimeToLive(ctx, &dynamodb.DescribeTimeToLiveInput{TableName: aws.String(r.Deployment.Table)})
	if err != nil {
		return Result{}, fmt.Errorf("asking for the table's expiry: %w", err)
	}
	ttl := out.TimeToLiveDescription
	return judge(ttl.TimeToLiveStatus == "ENABLED" && aws.ToString(ttl.AttributeName) == "purge", "%s, by %s", ttl.TimeToLiveStatus, aws.ToString(ttl.AttributeName)), nil
}

func secondPlan(ctx context.Context, r *run) (Result, error) {
	if r.Plan == nil {
		return notChecked("no Terraform configuration was given"), nil
	}
	changes, err := r.Plan(ctx)
	if err != nil {
		return Result{}, err
	}
	if changes == "" {
		return held("no changes"), nil
	}
	for line := range strings.Lines(changes) {
		if strings.Contains(line, "Plan:") || strings.Contains(line, "Changes to Outputs") {
			return differs("%s", strings.TrimSpace(line)), nil
		}
	}
	return differs("it has changes"), nil
}

// Settings holds those settings of an account that exist once in each Region. Each key is
// the name of a setting in the module's output account_wide.
type Settings map[string]string

// ReadSettings reads the account's settings that a deployment could change.
func ReadSettings(ctx context.Context, o Options) (Settings, error) {
	r := newRun(ctx, o)
	all := make(Settings)
	attributes, err := r.smsSettings(ctx)
	if err != nil {
		return nil, err
	}
	for name, value := range attributes {
		all["SNS "+name] = value
	}
	var account map[string]json.RawMessage
	if err := r.get(ctx, "apigateway", "/account", &account); err != nil {
		return nil, err
	}
	var role string
	if text, ok := account["cloudwatchRoleArn"]; ok {
		if err := json.Unmarshal(text, &role); err != nil {
			return nil, fmt.Errorf("reading API Gateway's role: %w", err)
		}
	}
	all["API Gateway cloudwatchRoleArn"] = role
	groups, err := r.deliveryLogs()
	if err != nil {
		return nil, err
	}
	var out struct {
		LogGroups []struct {
			Name string `json:"logGroupName"`
			Days int    `json:"retentionInDays"`
		}
	}
	if err := r.json(ctx, "logs", "Logs_20140328.DescribeLogGroups", map[string]any{"logGroupNamePrefix": groups[0]}, &out); err != nil {
		return nil, err
	}
	for _, g := range out.LogGroups {
		all["CloudWatch Logs group "+g.Name] = fmt.Sprintf("kept for %d days", g.Days)
	}
	return all, nil
}

// Compare returns a line for each setting that has changed since before.
func (before Settings) Compare(now Settings) []string {
	var lines []string
	for name, value := range before {
		if now[name] != value {
			lines = append(lines, fmt.Sprintf("%s was %q and is %q", name, value, now[name]))
		}
	}
	for name, value := range now {
		if _, ok := before[name]; !ok && value != "" {
			lines = append(lines, fmt.Sprintf("%s is new: %q", name, value))
		}
	}
	slices.Sort(lines)
	return lines
}

func accountSettings(ctx context.Context, r *run) (Result, error) {
	if r.Before == nil {
		return notChecked("no settings from before the deployment were given (--before)"), nil
	}
	now, err := ReadSettings(ctx, r.Options)
	if err != nil {
		return Result{}, err
	}
	want := maps.Clone(r.Before)
	maps.Copy(want, r.Deployment.AccountWide)
	changes := want.Compare(now)
	return judge(len(changes) == 0, "%d of %d settings changed that were not named. %s", len(changes), len(want), strings.Join(changes, "; ")), nil
}
