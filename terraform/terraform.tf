# This folder has no provider block, so that it works both ways: it can be
# applied directly, with Region and credentials from the environment, and it can
# be called as a module with count, for_each and the caller's provider.

terraform {
  required_version = ">= 1.9" # validations refer to other variables

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7"
    }
  }
}
