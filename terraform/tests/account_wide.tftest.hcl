# What is written for the whole account. Runs that write something only plan,
# because nothing of it can be destroyed.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  allowed_countries = ["DE"]
  packages          = "s3://bucket/release"
  package_digests   = { for s in ["api", "receipts", "relay", "sender"] : s => "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=" }

  # The variables of modules/account_wide.
  name                    = "smsqueue"
  delivery_logs           = false
  monthly_spend_limit_usd = null
  default_sender_id       = null
  api_gateway_log_role    = false
  log_groups              = { success = "sns/log", failure = "sns/log/Failure" }
  retention_days          = 30
  kms_key_arn             = null
  permissions_boundary    = null
}

run "nothing_is_written_that_was_not_named" {
  variables {
    sms_preferences = {}
  }
  assert {
    condition     = output.account_wide == {}
    error_message = "A setting of the account is written although nothing was named."
  }
  assert {
    condition     = !contains(keys(aws_cloudwatch_metric_alarm.this), "spend")
    error_message = "There is an alarm for a spend limit that is not known."
  }
  assert {
    condition     = length(aws_cloudwatch_log_group.gateway) == 0 && length(aws_api_gateway_stage.v1.access_log_settings) == 0
    error_message = "The stage has an access log, which API Gateway refuses on an account without a log role."
  }
  assert {
    condition = (
      length(output.hints) == 3 && strcontains(output.hints[0], "manage_api_gateway_log_role")
      && strcontains(output.hints[1], "delivery_logs") && strcontains(output.hints[2], "monthly_spend_limit_usd")
    )
    error_message = "The hints do not name the variables that the deployment could use."
  }
}

run "a_null_writes_nothing" {
  command = plan
  variables {
    sms_preferences             = null
    manage_api_gateway_log_role = null
  }
  assert {
    condition     = output.account_wide == {}
    error_message = "A setting of the account is written although everything is null."
  }
}

run "what_is_named_is_written_and_said" {
  command = plan
  variables {
    sms_preferences             = { delivery_logs = true, monthly_spend_limit_usd = 5, default_sender_id = "Shop" }
    manage_api_gateway_log_role = true
  }
  assert {
    condition = keys(output.account_wide) == [
      "API Gateway cloudwatchRoleArn",
      "CloudWatch Logs group sns/eu-central-1/123456789012/DirectPublishToPhoneNumber",
      "CloudWatch Logs group sns/eu-central-1/123456789012/DirectPublishToPhoneNumber/Failure",
      "SNS DefaultSenderID", "SNS DeliveryStatusIAMRole", "SNS DeliveryStatusSuccessSamplingRate", "SNS MonthlySpendLimit",
    ]
    error_message = "The plan does not say what is written for the whole account."
  }
  assert {
    condition     = aws_cloudwatch_metric_alarm.this["spend"].threshold == 4
    error_message = "The alarm for the spend limit is not at 80 %."
  }
  assert {
    condition     = length(output.hints) == 0 && length(aws_cloudwatch_log_group.gateway) == 1
    error_message = "There is no access log, or a hint although nothing is missing."
  }
}

run "a_spend_limit_is_written_alone" {
  command = plan
  module {
    source = "./modules/account_wide"
  }
  variables { monthly_spend_limit_usd = 5 }
  assert {
    condition     = aws_sns_sms_preferences.spend_limit[0].monthly_spend_limit == 5 && output.written == { "SNS MonthlySpendLimit" = "5" }
    error_message = "The spend limit is not written, or not alone."
  }
  assert {
    condition = alltrue([
      for value in [
        aws_sns_sms_preferences.spend_limit[0].default_sender_id, aws_sns_sms_preferences.spend_limit[0].default_sms_type,
        aws_sns_sms_preferences.spend_limit[0].delivery_status_iam_role_arn,
        aws_sns_sms_preferences.spend_limit[0].delivery_status_success_sampling_rate, aws_sns_sms_preferences.spend_limit[0].usage_report_s3_bucket,
      ] : value == null
    ])
    error_message = "Another setting is written with the spend limit."
  }
}

run "delivery_logs_are_complete_and_outlive_the_deployment" {
  command = plan
  module {
    source = "./modules/account_wide"
  }
  variables { delivery_logs = true }
  assert {
    condition     = aws_sns_sms_preferences.delivery_logs[0].delivery_status_success_sampling_rate == "100" && length(aws_sns_sms_preferences.spend_limit) == 0
    error_message = "SNS does not log every delivery, or gets a spend limit."
  }
  assert {
    condition     = { for g in aws_cloudwatch_log_group.sns : g.name => g.retention_in_days } == { "sns/log" = 30, "sns/log/Failure" = 30 }
    error_message = "The delivery logs, which contain whole numbers, never expire."
  }
  assert {
    condition     = alltrue([for g in aws_cloudwatch_log_group.sns : g.kms_key_id == null])
    error_message = "The delivery logs are encrypted with a key that ends with the deployment."
  }
}

run "roles_have_names_that_iam_takes" {
  command = plan
  module {
    source = "./modules/account_wide"
  }
  variables {
    name                 = "a-name-with-thirty-two-character"
    delivery_logs        = true
    api_gateway_log_role = true
  }
  assert {
    condition     = alltrue([for prefix in [aws_iam_role.sns[0].name_prefix, aws_iam_role.api_gateway[0].name_prefix] : length(prefix) <= 38])
    error_message = "A role's name is too long where the deployment's name is the longest."
  }
}

run "delivery_logs_are_encrypted_with_a_key_of_ones_own" {
  command = plan
  module {
    source = "./modules/account_wide"
  }
  variables {
    delivery_logs = true
    kms_key_arn   = "arn:aws:kms:eu-central-1:123456789012:key/own"
  }
  assert {
    condition     = alltrue([for g in aws_cloudwatch_log_group.sns : g.kms_key_id == var.kms_key_arn])
    error_message = "The delivery logs are not encrypted with the given key."
  }
}
