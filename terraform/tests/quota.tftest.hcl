mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  allowed_countries = ["DE"]
  packages          = "s3://bucket/release"
}

run "the_defaults_fit_a_new_account" {
  command = plan
}

run "more_senders_than_a_new_account_runs_are_warned_about" {
  command = plan
  variables {
    sender = { concurrency = 7 }
  }
  expect_failures = [check.concurrent_executions]
}

run "waiting_look_ups_on_a_new_account_are_warned_about" {
  command = plan
  variables {
    api = { longest_wait_seconds = 1 }
  }
  expect_failures = [check.concurrent_executions]
}

run "a_raised_quota_fits_both" {
  command = plan
  variables {
    concurrent_executions = 1000
    sender                = { concurrency = 50 }
    api                   = { longest_wait_seconds = 15 }
  }
}
