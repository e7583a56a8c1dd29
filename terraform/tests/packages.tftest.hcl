# Functions are called only if Lambda got the code with the given digest.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  # The variables of modules/function.
  name            = "smsqueue-api"
  role            = { suffix = "-eu-central-1", account = "123456789012", permissions_boundary = null }
  description     = "a function"
  architecture    = "arm64"
  timeout_seconds = 10
  environment     = {}
  statements      = []
  logs            = { level = "INFO", retention_days = 30, kms_key_arn = null }
  tracing         = false
}

run "code_with_its_digest_is_called" {
  module {
    source = "./modules/function"
  }
  variables {
    package = { bucket = "bucket", key = "release/api.zip", hash = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=" }
  }
  assert {
    condition     = aws_lambda_function.this.source_code_hash == "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
    error_message = "A change of the digest does not update the function."
  }
}

run "code_with_another_digest_is_refused" {
  module {
    source = "./modules/function"
  }
  variables {
    package = { bucket = "bucket", key = "release/api.zip", hash = "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA=" }
  }
  expect_failures = [data.aws_lambda_function.published]
}
