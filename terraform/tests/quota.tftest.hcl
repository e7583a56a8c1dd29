mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  allowed_countries = ["DE"]
  packages          = "s3://bucket/release"
  package_digests   = { for s in ["api", "receipts", "relay", "sender"] : s => "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=" }
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

run "waiting_look_ups_need_a_ceiling" {
  command = plan
  variables {
    concurrent_executions = 1000
    api                   = { longest_wait_seconds = 1 }
  }
  expect_failures = [var.api]
}

run "a_new_account_has_no_room_for_a_ceiling" {
  command = plan
  variables {
    api = { longest_wait_seconds = 1, reserved_concurrency = 1 }
  }
  expect_failures = [var.api]
}

run "aws_keeps_100_without_a_reservation" {
  command = plan
  variables {
    concurrent_executions = 1000
    api                   = { reserved_concurrency = 901 }
  }
  expect_failures = [var.api]
}

run "many_senders_need_more_than_100" {
  command = plan
  variables {
    concurrent_executions = 1000
    sender                = { concurrency = 200 }
    api                   = { reserved_concurrency = 800 }
  }
  expect_failures = [var.api]
}

run "a_ceiling_of_zero_is_refused" {
  command = plan
  variables {
    concurrent_executions = 1000
    api                   = { reserved_concurrency = 0 }
  }
  expect_failures = [var.api]
}

run "a_raised_quota_fits_both" {
  command = plan
  variables {
    concurrent_executions = 1000
    sender                = { concurrency = 50 }
    api                   = { longest_wait_seconds = 15, reserved_concurrency = 900 }
  }
  assert {
    condition     = module.api.reserved_concurrency == 900
    error_message = "The api has no ceiling."
  }
  assert {
    condition     = [module.sender.reserved_concurrency, module.relay.reserved_concurrency] == [-1, -1]
    error_message = "The sender or the relay has a reservation: throttled polls of the sender would count as receives."
  }
}
