mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  allowed_countries = ["US"]
  packages          = "s3://bucket/release"
  package_digests   = { for s in ["api", "receipts", "relay", "sender"] : s => "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=" }
}

run "china_is_refused_in_words" {
  command = plan
  override_data {
    target = data.aws_partition.current
    values = { partition = "aws-cn" }
  }
  expect_failures = [data.aws_partition.current]
}

run "an_unknown_partition_is_refused_in_words" {
  command = plan
  override_data {
    target = data.aws_partition.current
    values = { partition = "aws-iso" }
  }
  expect_failures = [data.aws_partition.current]
}

run "govcloud_has_arns_and_endpoints_of_its_own" {
  variables { receipts = true }
  override_data {
    target = data.aws_partition.current
    values = { partition = "aws-us-gov" }
  }
  override_data {
    target = data.aws_region.current
    values = { id = "us-gov-west-1" }
  }
  assert {
    condition     = output.token_url == "https://smsqueue-123456789012.auth-fips.us-gov-west-1.amazoncognito.com/oauth2/token"
    error_message = "The token endpoint is not GovCloud's."
  }
  assert {
    condition = !anytrue([
      for text in concat(
        [module.api.policy, module.sender.policy, module.relay.policy, module.receipts[0].policy, aws_kms_key.this[0].policy, aws_sqs_queue.messages.policy],
        [for p in aws_lambda_permission.delivery_logs : p.source_arn],
      ) : strcontains(replace(text, "/arn:aws:[a-z]+:eu-central-1:123456789012:/", ""), "arn:aws:") # the mocks' own ARNs
    ])
    error_message = "An ARN is of another partition."
  }
  assert {
    condition     = strcontains(aws_kms_key.this[0].policy, "logs.us-gov-west-1.amazonaws.com")
    error_message = "CloudWatch Logs may not use the key."
  }
}

run "events_need_pipes_which_govcloud_lacks" {
  command = plan
  variables { events = true }
  override_data {
    target = data.aws_partition.current
    values = { partition = "aws-us-gov" }
  }
  expect_failures = [aws_cloudwatch_event_bus.events]
}

run "the_longest_names_fit" {
  command = plan
  variables {
    name                        = "a2345678901234567890123456789012"
    events                      = true
    sms_preferences             = { delivery_logs = true }
    manage_api_gateway_log_role = true
  }
  override_data {
    target = data.aws_region.current
    values = { id = "ap-southeast-1" }
  }
}
