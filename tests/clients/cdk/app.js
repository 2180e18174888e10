// What a user of the CDK writes: a network, a machine of the latest Amazon Linux in its public half
// that has a role and user data, one of a fixed image in its other half, a parameter and a bucket.
// Context: days (of the bucket's rule), init (the machine makes itself by cfn-init and says so),
// wrong (a parameter that cannot be made), nested (a stack in the stack), adopt (a bucket's name),
// look (one more machine, where the CDK finds a network, a group and an image).
const cdk = require('aws-cdk-lib');
const ec2 = require('aws-cdk-lib/aws-ec2');
const iam = require('aws-cdk-lib/aws-iam');
const s3 = require('aws-cdk-lib/aws-s3');
const ssm = require('aws-cdk-lib/aws-ssm');

class Part extends cdk.NestedStack {
  constructor(scope, id, props) {
    super(scope, id);
    new ssm.StringParameter(this, 'Text', {parameterName: '/demo/nested', stringValue: props.text});
  }
}

class Demo extends cdk.Stack {
  constructor(scope, id, props) {
    super(scope, id, props);
    const days = Number(this.node.tryGetContext('days') ?? 7);
    const vpc = new ec2.Vpc(this, 'Vpc', {
      maxAzs: 2, natGateways: 0, restrictDefaultSecurityGroup: false,
    });
    const bucket = new s3.Bucket(this, 'Bucket', {
      versioned: true, enforceSSL: true, encryption: s3.BucketEncryption.S3_MANAGED,
      blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
      removalPolicy: cdk.RemovalPolicy.DESTROY,
      lifecycleRules: [{noncurrentVersionExpiration: cdk.Duration.days(days)}],
    });
    const name = new ssm.StringParameter(this, 'Name', {
      parameterName: '/demo/bucket', stringValue: bucket.bucketName,
    });
    const machine = this.machine(vpc);
    bucket.grantReadWrite(machine);
    name.grantRead(machine);
    new ec2.Instance(this, 'Fixed', {
      vpc, vpcSubnets: {subnetType: ec2.SubnetType.PRIVATE_ISOLATED},
      instanceType: ec2.InstanceType.of(ec2.InstanceClass.T3, ec2.InstanceSize.MICRO),
      machineImage: ec2.MachineImage.genericLinux({'us-east-1': 'ami-009d6802948d06e52'}),
    });
    if (this.node.tryGetContext('nested')) new Part(this, 'Part', {text: `${days} days`});
    if (this.node.tryGetContext('wrong')) {
      // of the lower kind, which does not look at its value
      const wrong = new ssm.CfnParameter(this, 'Wrong', {
        type: 'String', value: 'x', allowedPattern: 'y+',
      });
      wrong.node.addDependency(name);
    }
    if (this.node.tryGetContext('look')) this.guest();
    const adopt = this.node.tryGetContext('adopt');
    if (adopt) new s3.Bucket(this, 'Adopted', {bucketName: adopt});
    new cdk.CfnOutput(this, 'MachineIp', {value: machine.instancePublicIp});
    new cdk.CfnOutput(this, 'MachineId', {value: machine.instanceId});
    new cdk.CfnOutput(this, 'BucketName', {value: bucket.bucketName});
  }

  guest() {
    const vpc = ec2.Vpc.fromLookup(this, 'DefaultVpc', {isDefault: true});
    new ec2.Instance(this, 'Guest', {
      vpc, securityGroup: ec2.SecurityGroup.fromLookupByName(this, 'Default', 'default', vpc),
      instanceType: ec2.InstanceType.of(ec2.InstanceClass.T3, ec2.InstanceSize.NANO),
      machineImage: ec2.MachineImage.lookup({name: 'amzn2-ami-hvm-2.0.*-gp2', owners: ['amazon']}),
    });
  }

  machine(vpc) {
    const securityGroup = new ec2.SecurityGroup(this, 'Web', {vpc, description: 'a web server'});
    securityGroup.addIngressRule(ec2.Peer.anyIpv4(), ec2.Port.tcp(80));
    const userData = ec2.UserData.forLinux();
    userData.addCommands('mkdir -p /var/www/html', 'echo "made by the CDK" >/var/www/html/index.html');
    const machine = new ec2.Instance(this, 'Machine', {
      vpc, vpcSubnets: {subnetType: ec2.SubnetType.PUBLIC}, securityGroup, userData,
      instanceType: ec2.InstanceType.of(ec2.InstanceClass.T3, ec2.InstanceSize.MICRO),
      machineImage: ec2.MachineImage.latestAmazonLinux2(),
      ...(this.node.tryGetContext('init') && {
        init: ec2.CloudFormationInit.fromElements(
          ec2.InitPackage.yum('httpd'),
          ec2.InitFile.fromString('/var/www/html/more.html', 'made by cfn-init'),
          ec2.InitService.enable('httpd')),
        initOptions: {timeout: cdk.Duration.minutes(5)},
      }),
    });
    machine.role.addManagedPolicy(
      iam.ManagedPolicy.fromAwsManagedPolicyName('AmazonSSMManagedInstanceCore'));
    return machine;
  }
}

const app = new cdk.App();
new Demo(app, 'Demo', {env: {account: '000000000000', region: 'us-east-1'}});
