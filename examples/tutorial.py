"""The W&B tutorial's network and training loop as published; the five lines that changed say so."""

import torch
import torch.nn.functional as F
import wandb
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import droplab
from droplab.data import load

split = load("fashion-mnist-mini", train_size=256, validation_size=128)  # in the place of CIFAR-10: no download
trainset, testset = (
    TensorDataset(F.pad(part.images, (2, 2, 2, 2)).expand(-1, 3, -1, -1) / 127.5 - 1, part.labels)
    for part in (split.train, split.validation)
)
testloader = DataLoader(testset, batch_size=32)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2, self.conv3 = nn.Conv2d(3, 32, 3), nn.Conv2d(32, 64, 3), nn.Conv2d(64, 128, 3)
        self.pool, self.dropout = nn.MaxPool2d(2, 2), nn.Dropout(0.25)
        self.fc1, self.fc2 = nn.Linear(128 * 2 * 2, 512), nn.Linear(512, 10)

    def forward(self, x):
        for conv in (self.conv1, self.conv2, self.conv3):
            x = self.pool(F.relu(conv(x)))
        x = self.dropout(torch.flatten(x, 1))
        return self.fc2(self.dropout(F.relu(self.fc1(x))))


def train(run):  # changed: it is given the run
    wandb.init(project="dropout", group=run.arm.name, config={"seed": run.seed})
    model = run.prepare(Net)  # changed: Net()
    wandb.watch(model, log="all")
    criterion, optimizer = nn.CrossEntropyLoss(), torch.optim.Adam(model.parameters())
    for epoch in run.epochs(3, optimizer=optimizer):  # changed: range(3)
        model.train()
        running_loss, correct = 0.0, 0
        for inputs, labels in run.steps(run.loader(trainset, batch_size=32)):  # changed: trainloader
            optimizer.zero_grad()
            outputs = model(inputs)
            loss = criterion(outputs, labels)
            loss.backward()
            optimizer.step()
            running_loss += loss.item() / 8
            correct += (outputs.argmax(1) == labels).sum().item()
        model.eval()
        with torch.no_grad():
            test = [(criterion(model(x), y).item(), (model(x).argmax(1) == y).float().mean()) for x, y in testloader]
        test_loss, test_acc = (sum(values) / len(test) for values in zip(*test, strict=True))
        wandb.log({"Epoch": epoch, "Train Loss": running_loss, "Test Loss": test_loss, "Test Accuracy": test_acc})
        run.report(train_loss=running_loss, val_loss=test_loss, val_accuracy=test_acc)  # changed: it is new
    wandb.finish()


if __name__ == "__main__":
    print(droplab.compare(train, arms=[0, 0.25], seeds=2, measures={"loss": "lower", "accuracy": "higher"}))
