#!/usr/bin/env bash
# Takes away what `make deploy` made, except what the whole account shares. For
# `make destroy`; the arguments are those of terraform destroy.
set -euo pipefail
cd "$(dirname "$0")"

shared=module.smsqueue.module.account_wide

terraform init -input=false >/dev/null
state=$(terraform show -json)
if [[ $state == *'"deletion_protection_enabled":true'* ]]; then
	echo 'Table and clients are protected. It takes two steps:'
	echo '  make deploy ARGS=-var=deletion_protection=false'
	echo '  make destroy'
	exit 1
fi

# Destroying these would change the settings of other applications too: SNS would
# lose all of its SMS settings, and APIs would lose the role that they log with.
left=$(terraform state list | grep -F "$shared.aws_" || true)
if [[ -n $left ]]; then
	echo 'These belong to the whole account. They stay as they are, and Terraform forgets them:'
	echo "$left"
	terraform output account_wide 2>/dev/null || true # there is none after an apply that failed
	terraform state rm "$shared" >/dev/null
fi

if ! terraform destroy -var=deletion_protection=false "$@"; then
	if [[ -n $left ]]; then
		echo 'Not everything was destroyed, and Terraform has forgotten what is listed above.'
		echo 'Run make destroy again. To keep the deployment instead, name the log groups above'
		echo 'in existing_log_groups, then run make deploy: it takes the settings over again.'
	fi
	exit 1
fi
