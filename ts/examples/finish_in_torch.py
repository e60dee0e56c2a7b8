# Goes on from the checkpoint of start_in_typescript.ts.
import torch
from torch import nn

model = nn.Sequential(nn.Linear(1, 8), nn.Tanh(), nn.Linear(8, 1))
named = list(model.named_parameters())
groups = [{"params": [p for name, p in named if name.endswith(ending)]} for ending in (".weight", ".bias")]
optimizer = torch.optim.SGD(groups, lr=0.1)

checkpoint = torch.load("network.pt", weights_only=True)
model.load_state_dict(checkpoint["model"])
optimizer.load_state_dict(checkpoint["optimizer"])  # momentum and weight decay come with it

x = torch.linspace(-1, 1, 64).reshape(64, 1)
y = torch.sin(3 * x)
for step in range(checkpoint["steps"] + 1, checkpoint["steps"] + 101):
    optimizer.zero_grad()
    loss = nn.functional.mse_loss(model(x), y)
    loss.backward()
    optimizer.step()
    if step % 50 == 0 or step == checkpoint["steps"] + 1:
        print(f"PyTorch, step {step}: loss {loss.item():.6e}")
