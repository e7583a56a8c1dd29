mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  allowed_countries = ["DE"]
  packages          = "s3://bucket/release"
  package_digests   = { for s in ["api", "receipts", "relay", "sender"] : s => "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=" }
}

run "what_costs_more_than_the_table_is_off_until_wanted" {
  assert {
    condition     = !one(aws_api_gateway_method_settings.all.settings).metrics_enabled
    error_message = "API Gateway's detailed metrics are on although nobody asked for them."
  }
  assert {
    condition = (
      !aws_api_gateway_stage.v1.xray_tracing_enabled
      && alltrue([for f in [module.api, module.sender, module.relay] : f.tracing_mode == "PassThrough" && !strcontains(f.policy, "xray:")])
    )
    error_message = "X-Ray is on although nobody asked for it."
  }
  assert {
    condition     = length(aws_cloudwatch_dashboard.this) == 1 && output.dashboard_name == "smsqueue-eu-central-1"
    error_message = "There is no dashboard."
  }
}

run "each_can_be_chosen" {
  variables {
    monitoring = { detailed_metrics = true, tracing = true, dashboard = false }
  }
  assert {
    condition     = one(aws_api_gateway_method_settings.all.settings).metrics_enabled
    error_message = "The detailed metrics cannot be had."
  }
  assert {
    condition = (
      aws_api_gateway_stage.v1.xray_tracing_enabled
      && alltrue([for f in [module.api, module.sender, module.relay] : f.tracing_mode == "Active" && strcontains(f.policy, "xray:PutTraceSegments")])
    )
    error_message = "A function is not traced, or may not report to X-Ray."
  }
  assert {
    condition     = length(aws_cloudwatch_dashboard.this) == 0 && output.dashboard_name == null
    error_message = "The dashboard cannot be left out."
  }
}
