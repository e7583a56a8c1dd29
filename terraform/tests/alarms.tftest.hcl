mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  allowed_countries = ["DE"]
  packages          = "s3://bucket/release"
  package_digests   = { for s in ["api", "receipts", "relay", "sender"] : s => "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=" }
}

run "every_function_that_is_throttled_raises_an_alarm" {
  variables { receipts = true }
  assert {
    condition = {
      for name in ["api", "sender", "relay", "receipts"] : name => [
        aws_cloudwatch_metric_alarm.this["${name}-throttled"].metric_name,
        aws_cloudwatch_metric_alarm.this["${name}-throttled"].dimensions["FunctionName"],
        aws_cloudwatch_metric_alarm.this["${name}-throttled"].statistic,
        aws_cloudwatch_metric_alarm.this["${name}-throttled"].threshold,
        aws_cloudwatch_metric_alarm.this["${name}-throttled"].treat_missing_data,
      ]
    } == { for name in ["api", "sender", "relay", "receipts"] : name => ["Throttles", "smsqueue-${name}", "Sum", 0, "notBreaching"] }
    error_message = "A throttled function raises no alarm, or one that does not end."
  }
}

# SQS reports no count of a queue that was idle for 6 hours. With "notBreaching" the
# alarm would then end although the entries are still there.
run "the_alarms_of_queues_last_as_long_as_their_entries" {
  assert {
    condition = alltrue([
      for queue in ["dead-letters", "failed-events"] : (
        aws_cloudwatch_metric_alarm.this[queue].metric_name == "ApproximateNumberOfMessagesVisible"
        && aws_cloudwatch_metric_alarm.this[queue].dimensions["QueueName"] == "smsqueue-${queue}"
        && aws_cloudwatch_metric_alarm.this[queue].threshold == 0
        && aws_cloudwatch_metric_alarm.this[queue].treat_missing_data == "ignore"
      )
    ])
    error_message = "The alarm of a queue ends before the queue is empty."
  }
  # While an operator reads the entries, they are not visible for 30 seconds.
  assert {
    condition = alltrue([
      for queue in ["dead-letters", "failed-events"] :
      aws_cloudwatch_metric_alarm.this[queue].statistic == "Maximum" && aws_cloudwatch_metric_alarm.this[queue].period >= 5 * 60
    ])
    error_message = "The alarm of a queue ends while somebody reads its entries."
  }
}

run "events_that_are_late_raise_an_alarm_until_they_pass" {
  variables { events = true }
  assert {
    condition = (
      aws_cloudwatch_metric_alarm.this["events-late"].metric_name == "ExecutionFailed"
      && aws_cloudwatch_metric_alarm.this["events-late"].dimensions["PipeName"] == aws_pipes_pipe.events[0].name
      && aws_cloudwatch_metric_alarm.this["events-late"].statistic == "Sum"
      && aws_cloudwatch_metric_alarm.this["events-late"].threshold == 0
    )
    error_message = "The alarm does not watch the pipe."
  }
  # A failing pipe calls less and less often, so not every minute has a failure.
  assert {
    condition = (
      aws_cloudwatch_metric_alarm.this["events-late"].period == 5 * 60
      && aws_cloudwatch_metric_alarm.this["events-late"].datapoints_to_alarm == 2
      && aws_cloudwatch_metric_alarm.this["events-late"].evaluation_periods == 3
    )
    error_message = "A pipe that fails now and then raises no alarm, or one failure does."
  }
  # AWS may stop a pipe that always fails. Then there are no calls, and no data.
  assert {
    condition     = aws_cloudwatch_metric_alarm.this["events-late"].treat_missing_data == "ignore"
    error_message = "The alarm ends when the pipe stops."
  }
}

run "the_relay_leaves_nothing_on_the_queue_of_failed_events" {
  assert {
    condition     = !strcontains(module.relay.policy, "KeepFailedEvents") && length(module.relay.on_failure) == 0
    error_message = "A run that failed, which the next one makes good, raises an alarm for 14 days."
  }
}

run "a_run_of_the_relay_that_comes_late_is_dropped" {
  assert {
    condition = (
      one(one(aws_scheduler_schedule.relay.target).retry_policy).maximum_event_age_in_seconds == 60
      && module.relay.invoke_config == { qualifier = "live", retries = 0, maximum_age_seconds = 60 }
    )
    error_message = "Throttled runs of the relay pile up."
  }
}

run "receipts_are_repeated_and_kept" {
  variables { receipts = true }
  assert {
    condition = (
      module.receipts[0].invoke_config == { qualifier = "live", retries = 2, maximum_age_seconds = 21600 }
      && module.receipts[0].on_failure == [aws_sqs_queue.failed_events.arn]
    )
    error_message = "Receipts that cannot be applied are lost."
  }
}
