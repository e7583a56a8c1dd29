mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  allowed_countries = ["DE"]
  packages          = "s3://bucket/release"
  package_digests   = { for s in ["api", "receipts", "relay", "sender"] : s => "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=" }
}

run "without_delivery_logs_there_is_nothing_of_receipts" {
  assert {
    condition = (
      length(module.receipts) == 0 && length(aws_cloudwatch_log_subscription_filter.delivery_logs) == 0 && length(aws_lambda_permission.delivery_logs) == 0
      && !anytrue([for name in concat(keys(aws_cloudwatch_log_metric_filter.this), keys(aws_cloudwatch_metric_alarm.this)) : strcontains(lower(name), "receipts")])
    )
    error_message = "Resources for receipts exist although receipts are off."
  }
}

run "delivery_logs_that_are_switched_on_here_are_read" {
  command = plan
  variables {
    sms_preferences = { delivery_logs = true }
  }
  assert {
    condition = toset([for f in aws_cloudwatch_log_subscription_filter.delivery_logs : f.log_group_name]) == toset([
      "sns/eu-central-1/123456789012/DirectPublishToPhoneNumber", "sns/eu-central-1/123456789012/DirectPublishToPhoneNumber/Failure",
    ])
    error_message = "A delivery log is not read."
  }
}

run "delivery_logs_of_others_are_read_where_it_is_said" {
  variables { receipts = true }
  assert {
    condition     = length(aws_cloudwatch_log_subscription_filter.delivery_logs) == 2 && output.account_wide == {}
    error_message = "The logs are not read, or settings managed elsewhere are written."
  }
  assert {
    condition = alltrue([
      for f in aws_cloudwatch_log_subscription_filter.delivery_logs : f.destination_arn == module.receipts[0].alias_arn && f.filter_pattern == ""
    ])
    error_message = "The subscription filters lines, or bypasses the alias."
  }
  assert {
    condition = toset([for p in aws_lambda_permission.delivery_logs : p.source_arn]) == toset([
      for f in aws_cloudwatch_log_subscription_filter.delivery_logs : "arn:aws:logs:eu-central-1:123456789012:log-group:${f.log_group_name}:*"
    ])
    error_message = "The permission of CloudWatch Logs to call the function covers the wrong log groups."
  }
}

run "delivery_logs_can_be_left_unread" {
  command = plan
  variables {
    receipts        = false
    sms_preferences = { delivery_logs = true }
  }
  assert {
    condition     = length(module.receipts) == 0 && length(aws_cloudwatch_log_subscription_filter.delivery_logs) == 0
    error_message = "The logs are read."
  }
}

run "receipts_that_fail_are_heard_of" {
  variables { receipts = true }
  assert {
    condition = (
      aws_cloudwatch_metric_alarm.this["receipts-errors"].dimensions["FunctionName"] == module.receipts[0].name
      && aws_cloudwatch_metric_alarm.this["receipts-unreadable"].metric_name == "UnreadableReceipts"
      && aws_cloudwatch_metric_alarm.this["receipts-unreadable"].namespace == "smsqueue"
      && one(aws_cloudwatch_log_metric_filter.this["UnreadableReceipts"].metric_transformation).namespace == "smsqueue"
    )
    error_message = "There is no alarm for receipts that fail or cannot be read."
  }
  assert {
    condition     = !anytrue([for a in aws_cloudwatch_metric_alarm.this : a.metric_name == "ForeignReceipts"])
    error_message = "Other applications' receipts raise an alarm."
  }
}
