/** The default stack: the smallest workflow, as README.md shows it. */
import { App, Stack } from 'aws-cdk-lib';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { InstanceFleet, ObjectStore, ObjectWorkflow, Processor } from 'cdk-object-workflow';

const stack = new Stack(new App(), 'Invoices');
const role = new Role(stack, 'InstanceRole', { assumedBy: new ServicePrincipal('ec2.amazonaws.com') });
new ObjectWorkflow(stack, 'Workflow', {
  source: { bucket: new ObjectStore(stack, 'Inbox').bucket, suffix: '.csv' },
  processor: Processor.fleet(InstanceFleet.fromInstances({ instanceId: 'i-0123456789abcdef0', role }), {
    command: 'wc -l <"$OBJECT_FILE" >"$RESULTS_DIR/lines.txt"',
  }),
});
