"""ministack, mended where it differs from AWS. It is run with ministack's interpreter.

AWS has no permissions for the batch operations of SQS: whoever may SendMessage may
SendMessageBatch, and the same holds for deleting and for changing the visibility. See
"Actions, resources, and condition keys for Amazon SQS" in AWS's Service Authorization
Reference. ministack 1.5 asks for a permission sqs:SendMessageBatch.
"""

from ministack.core import iam_actions

original = iam_actions.extract_iam_action


def extract_iam_action(service, *request, **named):
    action = original(service, *request, **named)
    if service == "sqs" and action:
        return action.removesuffix("Batch")
    return action


iam_actions.extract_iam_action = extract_iam_action

from ministack.app import main  # noqa: E402

main()
